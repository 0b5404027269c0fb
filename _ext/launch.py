"""Buttons on a page that lead to its notebook: to download it, or to run it on Colab or Kaggle.

Both open notebooks from a repository only. So `.github/workflows/publish.yml` puts those of the published
book on a branch of their own.
"""

from pathlib import Path

from notebooks import pages_with_cells

import exercises

BRANCH = "notebooks"
SERVICES = {
    "Colab": "https://colab.research.google.com/github/{repository}/blob/{branch}/{page}.ipynb",
    "Kaggle": "https://www.kaggle.com/kernels/welcome?src=https://github.com/{repository}/blob/{branch}/{page}.ipynb",
}


def add_buttons(app, pagename, templatename, context, doctree) -> None:
    if pagename not in pages_with_cells(app) and not pagename.startswith(exercises.FOLDER):
        return
    repository = app.config.html_theme_options["repository_url"].removeprefix("https://github.com/")
    notebook = {
        "type": "link",
        "text": ".ipynb",
        "url": f"{Path(pagename).name}.ipynb",
        "icon": "fas fa-code",
        "tooltip": "Download this page as a notebook",
        "label": "download-notebook-button",
    }
    run = [
        {
            "type": "link",
            "text": name,
            "url": url.format(repository=repository, branch=BRANCH, page=pagename),
            "icon": "fas fa-cloud",
            "tooltip": f"Run this page on {name}",
            "label": f"launch-{name.lower()}",
        }
        for name, url in SERVICES.items()
    ]
    buttons = context["header_buttons"]
    for group in buttons:  # the theme offers the source, which notebooks show raw
        if group.get("label") == "download-buttons":
            others = [b for b in group["buttons"] if b["label"] != "download-source-button"]
            group["buttons"] = [notebook, *others]
    buttons.insert(
        0,
        {
            "type": "group",
            "label": "launch-buttons",
            "icon": "fas fa-rocket",
            "tooltip": "Run this page",
            "buttons": run,
        },
    )


def setup(app):
    app.connect("html-page-context", add_buttons, priority=950)  # after the theme's own, and exercises.py
    return {"parallel_read_safe": True, "parallel_write_safe": True}
