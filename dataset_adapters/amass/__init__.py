"""AMASS (Mahmood et al., ICCV 2019): marker recordings of many archives as bodies."""
