"""Show what `make bench` measured: `{speed-tables} bench.json`, a file beside the page.

A directive and not a cell, because what a cell showed is kept until the code changes, and these figures
change without that.
"""

from pathlib import Path

import speed_tables
from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class SpeedTables(SphinxDirective):
    """{speed-tables} bench.json"""

    required_arguments = 1

    def run(self):
        relative, absolute = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        if not Path(absolute).exists():
            return [paragraph("Not measured yet: run `make bench`.")]
        try:
            report = speed_tables.load(Path(absolute))
        except ValueError as error:
            raise self.error(str(error)) from None
        made = [paragraph(sentence) for sentence in speed_tables.describe(report)]
        for table in speed_tables.tables(report):
            made += [nodes.rubric("", table.title), paragraph(table.note), as_node(table)]
        return made


def paragraph(words: str) -> nodes.paragraph:
    return nodes.paragraph("", words)


def as_node(table: speed_tables.Table) -> nodes.table:
    group = nodes.tgroup("", *[nodes.colspec(colwidth=1) for _ in table.heads], cols=len(table.heads))
    group += nodes.thead("", as_row(table.heads))
    group += nodes.tbody("", *map(as_row, table.rows))
    return nodes.table("", group, classes=["speed-table"])


def as_row(cells: list[str]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", paragraph(cell)) for cell in cells])


def setup(app):
    app.add_directive("speed-tables", SpeedTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
