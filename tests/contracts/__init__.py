"""The public language: schemas, examples, evolution."""
