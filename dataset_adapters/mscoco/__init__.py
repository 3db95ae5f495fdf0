"""COCO 2017 (Lin et al., ECCV 2014) with COCO-WholeBody and fits by NeuralAnnot, EFT or CLIFF."""
