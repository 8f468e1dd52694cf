"""What a writer wrote in this mail: without the mail it answers, without signatures, without our own opt-out line.

Lines, not patterns over the whole text: mail-parser-reply 1.36 takes 38 s for 20,000 empty lines and drops what
follows "Thanks," or a line that begins with a hyphen. Where it is not sure, a line stays: `Mail.text` has all of it.
"""

import re
from functools import cache

import prompts

LONGEST = 20_000  # characters that are kept of what was said
_LONGEST_LINE = 400  # an attribution or a signature is shorter

# Last words (and, in German, the verb before the name) of "On .., Ann wrote:" in en, es, de, fr, pt.
_WROTE = re.compile(
    r"(?:\b(?:wrote|escribi[oó]|schrieb|a [eé]crit|escreveu)|<[^<>\s]+@[^<>\s]+>|\bschrieb .{1,200})\s*:$",
    re.IGNORECASE,
)
_WROTE_BEGINS = re.compile(
    r"(?:On|El|Am|Le|Em|No dia|Den|\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4})\b", re.IGNORECASE
)
_DATED = re.compile(r"\d{1,2}\D{1,30}\d{2,4}|@")
_DIVIDER = re.compile(
    r"[-_ ]{2,}\s*(?:Original Message|Original Appointment|Mensaje original|Urspr[uü]ngliche Nachricht|Message d['’]origine"
    r"|Message original|Mensagem original)\s*[-_ ]{2,}$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[-_ ]{2,}\s*(?:Forwarded message|Mensaje reenviado|Weitergeleitete Nachricht|Message transf[eé]r[eé]"
    r"|Mensagem encaminhada|Forwarded by .{0,80})\s*[-_ ]{0,}(?:\s*[-_]{2,})?$"
    r"|(?:Begin forwarded message|Inicio del mensaje reenviado|Anfang der weitergeleiteten (?:Nachricht|E-Mail)"
    r"|D[eé]but du message (?:r[eé]exp[eé]di[eé]|transf[eé]r[eé])|In[ií]cio da mensagem (?:re)?encaminhada)\s*:$",
    re.IGNORECASE,
)
_FROM = re.compile(r"\*?(?:From|De|Von)\s*:\s*\*?\s*\S", re.IGNORECASE)
_OTHER_LABELS = re.compile(
    r"\*?(?:Sent|Date|To|Cc|Subject|Enviado(?: el)?|Enviada(?: em)?|Fecha|Para|Asunto|Assunto|Data|Gesendet|Datum|An|Betreff"
    r"|Envoy[eé]|[AÀ]|Objet)\s*:",
    re.IGNORECASE,
)
_DEVICE = (
    r"(?:(?:my|mi|meu|mon|meinem|meiner|un|una|uma|um|an?|the|der|dem)\s+)?(?:iphone|ipad|ipod|apple watch|android|samsung|galaxy"
    r"|huawei|xiaomi|pixel|blackberry|nokia|windows phone|mobile(?: phone| device)?|phone|tablet|smartphone|handy|m[oó]vil"
    r"|tel[eé]fono(?: m[oó]vil)?|t[eé]l[eé]phone(?: portable)?|portable|celular|telem[oó]vel|mobiltelefon|outlook|yahoo mail"
    r"|gmail|gmx|web\.de|proton ?mail|mail|mailbox|thunderbird|spark|fairphone)"
)
_SENT_FROM = re.compile(
    r"(?:(?:Sent (?:from|with|via|using)|Enviado (?:desde|con|de|do|da|com|a partir de|pelo)|Gesendet (?:von|mit|über)|Von"
    r"|Envoy[eé] (?:de|depuis|avec|à partir de))\s+" + _DEVICE + r"(?:[\s\w.+()-]{0,40}?)(?: gesendet)?"
    r"|(?:Get|Obtener?|Obtenha(?: o)?|Télécharger|Holen Sie sich) Outlook (?:for|para|pour|für) .{1,40})[.!]?(?:\s*<https?:\S+>)?",
    re.IGNORECASE,
)
_SIGNATURE_LINES = 15


def split_said(text: str) -> tuple[str, bool, bool]:
    """What the writer wrote, whether nothing was left by stripping (then it is the whole text), and whether it forwards.

    Quoted lines and the lines that introduce them go, wherever they stand: answers above, below and between quotes
    stay in their order. Behind a divider, a forwarded message or a header block without quote marks, all is the
    other mail. A closing formula and a name stay: nothing tells "Thanks, Ann" from "Thanks, stop".
    """
    lines = [line.rstrip() for line in _without_opt_out(text).split("\n")]
    blocks: list[list[str]] = [[]]
    forwarded, index = False, 0
    while index < len(lines):
        line = lines[index].strip()
        width = _introduces(lines, index)
        if line.startswith(">") or width:
            blocks.append([])
            forwarded = forwarded or (
                line.startswith(">")
                and bool(_FORWARDED.match(line.strip("> ")[:_LONGEST_LINE]))
                and not blocks[0]
            )
            index += width or 1
            continue
        forwards = bool(line) and len(line) < _LONGEST_LINE and bool(_FORWARDED.match(line))
        if forwards or _ends_here(lines, index):
            forwarded = forwarded or forwards
            break
        blocks[-1].append(lines[index])
        index += 1
    said = "\n\n".join(kept for kept in ("\n".join(_unsigned(block)).strip() for block in blocks) if kept)
    whole = "\n".join(lines).strip()
    return (said or whole), not said and bool(whole), forwarded


def _introduces(lines: list[str], index: int) -> int:
    """How many lines say "On .., Ann wrote:" here: 1 to 3, or 0. Such a line has a date or an address and a quote below."""
    line = lines[index].strip()
    if not 3 < len(line) < _LONGEST_LINE:
        return 0
    for width in (1, 2, 3):
        end = index + width - 1
        if end >= len(lines) or not lines[end].strip() or (width > 1 and not _WROTE_BEGINS.match(line)):
            return 0
        joined = " ".join(part.strip() for part in lines[index : end + 1])[: 2 * _LONGEST_LINE].replace(
            "\xa0", " "
        )
        if joined.endswith(":") and _WROTE.search(joined):
            below = next((each for each in lines[end + 1 : end + 4] if each.strip()), "").lstrip()
            return width if below.startswith(">") else 0
    return 0


def _ends_here(lines: list[str], index: int) -> bool:
    """Whether the rest is another mail without quote marks: a divider, a header block, or "On 2.11., Ann wrote:"."""
    line = lines[index].strip()
    if not line or len(line) >= _LONGEST_LINE:
        return False
    if _DIVIDER.match(line):
        return True
    if _FROM.match(line):
        below = [each.strip() for each in lines[index + 1 : index + 8]]
        return sum(bool(_OTHER_LABELS.match(each)) for each in below) >= 2
    if not _WROTE_BEGINS.match(line):
        return False
    for width in (1, 2, 3):
        joined = " ".join(part.strip() for part in lines[index : index + width])[: 2 * _LONGEST_LINE].replace(
            "\xa0", " "
        )
        if joined.endswith(":"):
            return bool(_WROTE.search(joined) and _DATED.search(joined))
    return False


def _unsigned(block: list[str]) -> list[str]:
    """The block without "-- " and what follows, without "Sent from my ..", without the rule above a quote."""
    for index in range(max(1, len(block) - _SIGNATURE_LINES), len(block)):
        if block[index].strip() in {"--", "—"} and any(each.strip() for each in block[:index]):
            block = block[:index]
            break
    tail = [index for index, line in enumerate(block) if line.strip()][-4:]
    gone = {
        index
        for index in tail
        if len(block[index]) < 120
        and (_SENT_FROM.fullmatch(block[index].strip()) or re.fullmatch(r"[_-]{10,}", block[index].strip()))
    }
    return [line for index, line in enumerate(block) if index not in gone]


@cache
def _opt_out() -> re.Pattern[str]:
    """Our own opt-out lines in every language, however a mail program wrapped and quoted them."""
    texts = [prompts.load(f"messages/parts/opt_out.email.{language}.md").text for language in ("en", "es")]
    return re.compile(
        "|".join(r"\s(?:[ \t>]*\n?[ \t>]*)".join(map(re.escape, text.split())) for text in texts),
        re.IGNORECASE,
    )


def _without_opt_out(text: str) -> str:
    return _opt_out().sub("", text)
