"""What is done with stored data: exports to other formats, checks of what is stored."""
