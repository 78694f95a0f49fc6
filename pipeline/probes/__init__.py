"""What is read from a torch model. Whoever imports from here imports torch; the rest of the pipeline does not."""
