"""What goes on inside a torch model? Probes read it, and change nothing; `Watch` calls those that are configured.

Whoever imports from here imports torch; the rest of the pipeline does not.
"""
