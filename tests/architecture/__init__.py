"""That the layout, the layers and the committed artefacts are what they are said to be."""
