"""A tiny transformer language model and what the book does with it: one flat module per idea.

Shapes in comments and docstrings use one legend throughout:

    B  batch            T  tokens (positions)     C  channels (d_model)
    H  query heads      G  key/value heads        D  channels of one head (d_head)
    V  vocabulary       L  layers

Explained, module by module, in the chapter of the same name (`chapters/attention.md` for `tinylm.attention`).
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    """`tinylm.explore` is `tinylm.live.explore`, imported when it is first asked for: it brings widgets."""
    if name == "explore":
        from tinylm.live import explore

        return explore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
