"""What MiniStack 1.5.33 lacks, added inside its process: each module here goes when upstream has the feature."""
