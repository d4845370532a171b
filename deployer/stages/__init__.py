"""One file a stage: `STAGE = Stage(name, needs, run, undo)`. Stages know ports and the model, never an adapter."""
