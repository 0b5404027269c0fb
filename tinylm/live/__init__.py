"""A model that answers in the reader's page: `explore(model, tokenizer, prompt)`.

The same call serves a notebook (the element in a cell's output) and the built book (_ext/live.py moves the
weights and the script out of the page into files). A model that a page cannot run, because its `forward` was
changed, gets widgets that drive the Python object itself (`tinylm.live.panel`).
Explained in chapters/live.md.
"""

from tinylm.live.explorer import VIEWS, Explorer, explore
from tinylm.live.panel import ModelPanel, TrainingPanel
from tinylm.live.publishing import CannotPublish

__all__ = ["VIEWS", "CannotPublish", "Explorer", "ModelPanel", "TrainingPanel", "explore"]
