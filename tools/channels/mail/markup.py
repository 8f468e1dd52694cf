"""HTML of strangers: its visible text, and a form of it that can do nothing.

One pass over the tags, linear in the length. Tree builders are not given what a stranger wrote: 150 kB of nested
<div> take lexbor and html5ever 4 to 5 s, 60,000 attributes in one tag 23 s. What this pass writes is balanced,
at most _DEEPEST deep and almost without attributes; nh3 cleans that once more.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import nh3

LONGEST = 400_000  # characters of HTML that are read
_DEEPEST = 100

_TAG = re.compile(r"<(?:(!--)|(/?)([a-zA-Z][a-zA-Z0-9:]{0,30})([^<>]*)>|[!?][^<>]*>)")
_ATTRIBUTE = re.compile(r"([a-zA-Z-]{1,30})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_SWALLOWING = {"script", "style", "title", "template", "iframe"}  # without an end tag, they hold all the rest
_UNSEEN = _SWALLOWING | {"svg", "math", "object", "applet", "select", "audio", "video", "canvas"}
_BLOCKS = {"address", "article", "blockquote", "center", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3",
           "h4", "h5", "h6", "header", "li", "ol", "p", "pre", "section", "table", "tbody", "tr", "ul"}  # fmt: skip
_INLINE = {
    "b",
    "code",
    "em",
    "i",
    "s",
    "small",
    "strike",
    "strong",
    "sub",
    "sup",
    "td",
    "th",
    "u",
    "font",
    "span",
    "a",
}
_SHOWN = (_BLOCKS | _INLINE | {"br", "hr"}) - {
    "a",
    "font",
    "form",
    "address",
    "article",
    "section",
    "header",
    "footer",
}
_IMPLIED = {"p": {"p"}, "li": {"li", "p"}, "td": {"td", "th", "p"}, "th": {"td", "th", "p"},
            "tr": {"td", "th", "tr", "p"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}}  # fmt: skip
_SPANS = ("colspan", "rowspan")
_HIDING = re.compile(
    r"(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|mso-hide:all|(?:opacity|max-height):0*\.?0+(?![.\d])"
    r"|text-indent:-\d{3,}|left:-\d{4,})"
)
_SIZE, _ZERO = re.compile(r"(?:^|;)font-size:([^;]+)"), re.compile(r"0*\.?0+(?![.\d])")
_COLOR, _BACK = re.compile(r"(?:^|;)color:([^;]+)"), re.compile(r"(?:^|;)background(?:-color)?:([^;]+)")
_WHITE = re.compile(r"#fff(?:fff)?(?![0-9a-f])|white|rgb\(255,255,255\)|none|transparent|inherit|initial")
_CLEAN = nh3.Cleaner(
    tags=_SHOWN,
    attributes={"span": {"title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
    clean_content_tags={"script", "style"},
    url_schemes=set(),
    link_rel=None,
)


@dataclass(frozen=True, slots=True)
class _Look:
    """How text looks where it stands: what of it is inherited."""

    hidden: bool = False
    tiny: bool = False
    white: bool = False
    dark: bool = False  # what stands behind it

    @property
    def seen(self) -> bool:
        """Whether a reader would see text there."""
        return not (self.hidden or self.tiny or (self.white and not self.dark))

    def within(self, attributes: Mapping[str, str]) -> "_Look":
        """The look inside an element with these attributes."""
        style = re.sub(r"\s+", "", attributes.get("style", "").lower())[:2_000]
        style += f";background:{attributes['bgcolor'].strip().lower()}" if attributes.get("bgcolor") else ""
        style += f";color:{attributes['color'].strip().lower()}" if attributes.get("color") else ""
        size, color, back = _SIZE.search(style), _COLOR.search(style), _BACK.search(style)
        return _Look(
            hidden=self.hidden or "hidden" in attributes or bool(_HIDING.search(style)),
            tiny=_ZERO.match(size[1]) is not None if size else self.tiny,
            white=_WHITE.match(color[1]) is not None if color else self.white,
            dark=_WHITE.match(back[1]) is None if back else self.dark,
        )


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    look: _Look
    closer: str


@dataclass(slots=True)
class _Reading:
    """What was read so far: the open elements, the inert markup, the lines of text and the line being written."""

    stack: list[_Open] = field(default_factory=list)
    markup: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    quotes: int = 0
    pre: int = 0
    endless: set[str] = field(default_factory=set)  # tags that no end tag follows any more

    @property
    def look(self) -> _Look:
        return self.stack[-1].look if self.stack else _Look()

    def words(self, text: str) -> None:
        """Text between tags: as it stands in <pre>, else with single spaces; nothing where nobody would see it."""
        if not text or not self.look.seen:
            return
        self.markup.append(html.escape(text))
        if not self.pre:
            text = re.sub(r"[ \t\n\r\f\xa0]+", " ", text)
            text = text if self.line else text.lstrip()
        first, *rest = text.split("\n")
        self.line += [first] if first else []
        for line in rest:
            self.new_line()
            self.line += [line] if line else []

    def new_line(self) -> None:
        """The line being written ends; its quote marks follow the depth."""
        self.lines.append(("> " * min(self.quotes, 10) + "".join(self.line)).rstrip())
        self.line = []

    def block(self) -> None:
        """A new line, unless this one is empty."""
        if self.line:
            self.new_line()

    def open(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        while self.stack and self.stack[-1].tag in _IMPLIED.get(tag, ()):
            self.close()
        look = self.look.within(attributes)
        if tag in _BLOCKS:
            self.block()
        if tag == "p" and self.lines and self.lines[-1].strip("> "):
            self.new_line()
        self.quotes += tag == "blockquote"
        self.pre += tag == "pre"
        shown, told = ("span" if tag == "a" else tag if tag in _SHOWN else ""), ""
        if tag == "a" and attributes.get("href"):
            told = f' title="{html.escape(attributes["href"][:500])}"'
        elif tag in {"td", "th"}:
            told = "".join(
                f' {name}="{attributes[name]}"'
                for name in _SPANS
                if re.fullmatch(r"\d{1,2}", attributes.get(name, ""))
            )
            self.line += [" "] if self.line else []
        self.markup.append(f"<{shown}{told}>" if shown else "")
        self.stack.append(_Open(tag, look, f"</{shown}>" if shown else ""))
        if tag == "li" and look.seen:
            self.line.append("- ")

    def close(self) -> None:
        """The innermost open element ends."""
        element = self.stack.pop()
        self.markup.append(element.closer)
        if element.tag in _BLOCKS:
            self.block()
        if element.tag == "p":
            self.new_line()
        self.pre -= element.tag == "pre"
        self.quotes -= element.tag == "blockquote"

    def single(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element without content: a line break, or an image, of which only its alternative text stays."""
        if tag in {"br", "hr"}:
            self.new_line()
            self.markup.append(f"<{tag}>")
        elif tag == "img" and attributes.get("alt", "").strip() and self.look.within(attributes).seen:
            self.words(f"[{attributes['alt'][:200].strip()}]")


def read_html(source: str) -> tuple[str, str]:
    """The text that a reader would see (quotes with "> "), and the inert HTML that a collector may be shown.

    Left out of both: scripts, styles, comments and elements that are hidden (display:none, size 0, white on white).
    The HTML has no link, image, form, style, class or id: a link's target is the title of its words. A hiding rule
    in a style sheet is not understood: such text is in both.
    """
    source = source[:LONGEST]
    reading, position = _Reading(), 0
    while (match := _TAG.search(source, position)) is not None:
        if match.start() > position:
            reading.words(html.unescape(source[position : match.start()]))
        comment, closing, tag, rest = match[1], match[2], (match[3] or "").lower(), match[4] or ""
        position = match.end()
        if comment:
            position = _after(source, "-->", position)
        elif closing:
            if any(each.tag == tag for each in reading.stack):
                while reading.stack[-1].tag != tag:
                    reading.close()
                reading.close()
        elif tag:
            position = _start(reading, source, position, tag, rest)
    reading.words(html.unescape(source[position:]))
    while reading.stack:
        reading.close()
    reading.block()
    text = "\n".join(reading.lines)
    return re.sub(r"\n(?:(?:> ?)*\n){2,}", "\n\n", text).strip(), _CLEAN.clean(
        "".join(reading.markup)
    ).strip()


def _start(reading: _Reading, source: str, position: int, tag: str, rest: str) -> int:
    """A start tag: what it opens, or where reading goes on behind what nobody sees."""
    attributes = _attributes(rest)
    if tag in _UNSEEN:
        return _behind(reading, source, tag, position)
    if tag in {"br", "hr", "img", "wbr"}:
        reading.single(tag, attributes)
    elif tag in _BLOCKS | _INLINE:
        if len(reading.stack) < _DEEPEST:
            reading.open(tag, attributes)
        else:
            reading.words(" ")
    return position


def _attributes(rest: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(rest[:4_000]):
        found.setdefault(match[1].lower(), html.unescape(match[2] or match[3] or match[4] or ""))
        if len(found) == 20:
            break
    # `hidden` has no value.
    return {"hidden": "", **found} if re.search(r"(?:^|\s)hidden(?:\s|$)", rest[:4_000]) else found


def _behind(reading: _Reading, source: str, tag: str, position: int) -> int:
    """The position behind the content of an element that nobody sees; where it has no end tag, it may have no content."""
    end = None if tag in reading.endless else re.compile(f"</{tag}", re.IGNORECASE).search(source, position)
    if end is not None:
        return end.start()
    reading.endless.add(tag)
    return len(source) if tag in _SWALLOWING else position


def _after(source: str, mark: str, position: int) -> int:
    found = source.find(mark, position)
    return len(source) if found < 0 else found + len(mark)
