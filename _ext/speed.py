"""Show what the benchmarks measured, from a file beside the page: its tables, or one figure in a sentence.

`{speed-tables} bench.json` is a directive, ``{speed}`grading.json ratio|.0f` `` a role. Neither is a cell,
because what a cell showed is kept until the code changes, and these figures change without that.
"""

import json
from pathlib import Path

import speed_tables
from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole


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


class SpeedFigure(SphinxRole):
    """{speed}`grading.json ratio|.0f`"""

    def run(self):
        file, _, what = self.text.partition(" ")
        name, _, form = what.partition("|")
        relative, absolute = self.env.relfn2path(file)
        self.env.note_dependency(relative)
        try:
            value = json.loads(Path(absolute).read_text(encoding="utf-8"))[name]
            return [nodes.Text(format(value, form))], []
        except (OSError, ValueError, KeyError) as error:
            message = self.inliner.reporter.error(f"{file} has no figure {name!r}: {error}", line=self.lineno)
            return [], [message]


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
    app.add_role("speed", SpeedFigure())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
