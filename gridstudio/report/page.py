"""One self-contained page of HTML from its parts. Every function takes plain text and escapes it.

Nothing is loaded from elsewhere: style, script, pictures and plotly.js are in the page.
"""

import base64
import html
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from numbers import Real
from pathlib import Path
from typing import Any, NewType

import pandas as pd
from plotly.offline import get_plotlyjs

from gridstudio.report import style
from gridstudio.result import Quantity

Html = NewType("Html", str)
EMPTY = Html("")


def escape(text: object) -> Html:
    """Any text, harmless inside and between tags."""
    return Html(html.escape(str(text)))


def join(parts: Iterable[Html]) -> Html:
    """Parts one after another."""
    return Html("\n".join(part for part in parts if part))


def paragraph(text: str, kind: str = "") -> Html:
    """A paragraph; ``kind`` is "", "lead" or "quiet"."""
    return Html(f'<p class="{escape(kind)}">{escape(text)}</p>') if kind else Html(f"<p>{escape(text)}</p>")


def note(parts: Iterable[Html], warning: bool = False) -> Html:
    """A box that stands out calmly."""
    return Html(f'<div class="note{" warn" if warning else ""}">{join(parts)}</div>')


def landscape(parts: Iterable[Html]) -> Html:
    """Something wide that gets a page of its own, lying on its side, on paper."""
    return Html(f'<div class="landscape">{join(parts)}</div>')


def heading(text: str) -> Html:
    """A heading inside a section."""
    return Html(f"<h3>{escape(text)}</h3>")


def section(name: str, title: str, parts: Iterable[Html]) -> Html:
    """A section of the page that the menu can reach."""
    return Html(f'<section id="{escape(name)}"><h2>{escape(title)}</h2>\n{join(parts)}\n</section>')


def details(summary: str, parts: Iterable[Html], opened: bool = False) -> Html:
    """Something that unfolds."""
    return Html(f"<details{' open' if opened else ''}><summary>{escape(summary)}</summary>\n{join(parts)}</details>")


def tiles(headline: Mapping[str, Quantity]) -> Html:
    """The headline numbers, in their order, as tiles."""

    def tile(quantity: Quantity) -> str:
        text = style.quantity(quantity)
        size = ' class="long"' if len(text) > 18 else ""
        return f"<li><b{size}>{escape(text)}</b><span>{escape(quantity.label)}</span></li>"

    return Html(f'<ul class="tiles">{"".join(map(tile, headline.values()))}</ul>')


def tabs(name: str, parts: Sequence[tuple[str, Html]], start: int = 0) -> Html:
    """Parts of which one is seen at a time, ``start`` first (all of them on paper)."""
    if len(parts) == 1:
        return parts[0][1]
    ids = [f"{name}-{i}" for i in range(len(parts))]
    buttons = "".join(
        f'<button type="button" role="tab" aria-controls="{i}" aria-selected="false">{escape(label)}</button>'
        for i, (label, _) in zip(ids, parts, strict=True)
    )
    panels = "".join(
        f'<div id="{i}" role="tabpanel"><h4 class="paper">{escape(label)}</h4>{content}</div>'
        for i, (label, content) in zip(ids, parts, strict=True)
    )
    return Html(f'<div class="tabs" role="tablist" data-start="{start}">{buttons}</div>{panels}')


def picture(path: Path, alt: str, caption: str = "") -> Html:
    """A PNG inside the page."""
    code = base64.b64encode(path.read_bytes()).decode()
    under = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return Html(f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{code}">{under}</figure>')


# ---- tables ----------------------------------------------------------------------------------

Cell = Callable[[Any], Html]
SHORT = 20  # characters that stay on one line


def table(
    frame: pd.DataFrame, caption: str = "", most: int = 200, marked: Sequence[bool] | None = None,
    cells: Mapping[str, Cell] | None = None,
) -> Html:  # fmt: skip
    """A table with heads and digits by the unit at the end of each column's name.

    ``marked``: rows to be tinted; ``cells``: own content for the cells of a column.
    """
    own = cells or {}
    shown = frame.head(most)
    right = {column: _is_number(frame[column]) and column not in own for column in frame.columns}
    head = "".join(f"<th{' class=n' if right[c] else ''}>{escape(style.heading(str(c)))}</th>" for c in frame.columns)
    columns = [_cells(str(c), shown[c], right[c], own.get(str(c))) for c in frame.columns]
    marks = [' class="differs"' if mark else "" for mark in (marked or [False] * len(shown))]
    body = "".join(f"<tr{mark}>{''.join(row)}</tr>" for mark, *row in zip(marks, *columns, strict=False))
    if len(frame) > most:
        caption = f"{caption} The first {most} of {len(frame)} rows; all of them are in the tables folder.".strip()
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return Html(f'<div class="scroll"><table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')


def _cells(column: str, values: "pd.Series[Any]", right: bool, own: Cell | None) -> list[str]:
    if own:
        return [f"<td>{own(value)}</td>" for value in values]
    texts = [style.cell(column, value) for value in values]
    kinds = ("n" if right else "t" if len(text) <= SHORT else "wide" if len(text) > 3 * SHORT else "" for text in texts)
    return [f'<td class="{kind}">{escape(text)}</td>' for kind, text in zip(kinds, texts, strict=True)]


def _is_number(values: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def grouped_table(frame: pd.DataFrame, by: str, sums: Sequence[str], caption: str = "") -> Html:
    """Rows under a summary row for each value of ``by``; the columns ``sums`` are added up."""
    columns = [c for c in frame.columns if c != by]
    right = {c: _is_number(frame[c]) for c in columns}
    head = "".join(f"<th{' class=n' if right[c] else ''}>{escape(style.heading(c))}</th>" for c in columns)
    rows = [_summary_row("All", frame, columns, right, sums)]
    for value, part in frame.groupby(by, sort=True):
        rows.append(_summary_row(f"{by.capitalize()} {value}", part, columns, right, sums))
        cells = [_cells(c, part[c], right[c], None) for c in columns]
        rows += [f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True)]
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return Html(
        f'<div class="scroll"><table>{above}<thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _summary_row(
    label: str, part: pd.DataFrame, columns: Sequence[str], right: Mapping[str, bool], sums: Sequence[str]
) -> str:
    cells = []
    for i, column in enumerate(columns):
        count = f"{len(part)} section{'s' if len(part) != 1 else ''}"
        text = f"{label}: {count}" if not i else style.cell(column, part[column].sum()) if column in sums else ""
        cells.append(f"<td{' class=n' if right[column] else ''}>{escape(text)}</td>")
    return f'<tr class="sum">{"".join(cells)}</tr>'


def tree(value: Any) -> Html:
    """Nested settings or provenance as definition lists."""
    if isinstance(value, Mapping):
        rows = (f"<dt>{escape(key)}</dt><dd>{tree(item)}</dd>" for key, item in value.items())
        return Html(f"<dl>{''.join(rows)}</dl>") if value else Html("\u2013")
    if isinstance(value, list | tuple):
        simple = all(not isinstance(item, Mapping | list | tuple) for item in value)
        return escape(", ".join(map(str, value)) or "\u2013") if simple else join(tree(item) for item in value)
    if isinstance(value, Real) and not isinstance(value, bool):
        return escape(f"{value:g}" if isinstance(value, float) else value)
    return escape("\u2013" if value is None else value)


# ---- the page --------------------------------------------------------------------------------


def document(
    title: str, subtitle: str, top: Iterable[Html], sections: Sequence[tuple[str, str, Sequence[Html]]],
    data: Mapping[str, Any], footer: str,
) -> str:  # fmt: skip
    """The whole page. ``sections`` are (name, title, parts), those without parts are left out; ``data`` goes to the
    page's script as JSON (plotly.js comes along only if there is any)."""
    kept = [(name, head, parts) for name, head, parts in sections if any(parts)]
    menu = "".join(f'<a href="#{escape(name)}">{escape(head)}</a>' for name, head, _ in kept)
    body = join(section(name, head, parts) for name, head, parts in kept)
    plotly = f"<script>{get_plotlyjs()}</script>" if data else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_asset("page.css")}</style>
</head>
<body>
<header class="top"><h1>{escape(title)}</h1><p class="quiet">{escape(subtitle)}</p></header>
<nav aria-label="Sections"><div>{menu}</div></nav>
<main>
{join(top)}
{body}
</main>
<footer>{escape(footer)}</footer>
<script type="application/json" id="data">{_json(data)}</script>
{plotly}
<script>{_asset("page.js")}</script>
</body>
</html>
"""


def _json(data: Mapping[str, Any]) -> str:
    """JSON that cannot end its script element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return resources.files("gridstudio.report").joinpath(name).read_text(encoding="utf-8")
