"""The dialogs of the alert console, as the browser's own `<dialog>`: keyboard, focus and Escape come with it.

They are HTML text, put in place once; assets/f-console.js opens them and reads their forms.
"""

from collections.abc import Sequence
from html import escape

from dashboard.texts import mark, text

# key -> what it does; the same keys stand in assets/f-console.js
SHORTCUTS: tuple[tuple[str, str], ...] = (
    ("J", mark("Next alert")),
    ("K", mark("Previous alert")),
    ("N", mark("Next alert that waits for an answer")),
    ("X", mark("Select or deselect")),
    ("*", mark("Select all, or none")),
    ("A", mark("Acknowledge")),
    ("C", mark("Comment")),
    ("S", mark("Shelve")),
    ("U", mark("End shelving")),
    ("G", mark("Assign")),
    ("W", mark("Work order")),
    ("R", mark("Reset a latched alert")),
    ("Z", mark("Undo")),
    ("P", mark("Shift report")),
    ("?", mark("This help")),
)
# minutes -> words
SHELVINGS: tuple[tuple[int, str], ...] = (
    (30, mark("30 minutes")),
    (60, mark("1 hour")),
    (240, mark("4 hours")),
    (480, mark("8 hours")),
    (1440, mark("1 day")),
    (10080, mark("7 days")),
)


DEPARTMENTS = (mark("Waste operations"), mark("Traffic control"), mark("Air quality desk"), mark("Field service"))


def _(words: str) -> str:
    return escape(text(words))


def _dialog(action: str, title: str, inside: str, submit: str) -> str:
    return (
        f'<dialog class="dialog" id="dialog-{action}" aria-labelledby="dialog-{action}-title">'
        f'<form method="dialog" data-form="{action}">'
        f'<h2 id="dialog-{action}-title">{escape(title)}</h2><p class="soft" data-targets></p>{inside}'
        f'<p class="dialog-buttons"><button type="button" class="button" data-close>{_("Cancel")}</button>'
        f'<button type="submit" class="button primary">{escape(submit)}</button></p></form></dialog>'
    )


def _remark(action: str, label: str, *, required: bool) -> str:
    need = " required" if required else ""
    return (
        f'<label for="{action}-comment">{escape(label)}</label>'
        f'<textarea id="{action}-comment" name="comment" rows="3" maxlength="2000"{need}></textarea>'
    )


def _help() -> str:
    rows = "".join(
        f"<tr><th scope='row'><kbd>{escape(key)}</kbd></th><td>{_(words)}</td></tr>" for key, words in SHORTCUTS
    )
    return (
        '<dialog class="dialog" id="dialog-help" aria-labelledby="dialog-help-title"><form method="dialog">'
        f'<h2 id="dialog-help-title">{_("Keys of the alert console")}</h2>'
        f'<table class="keys"><tbody>{rows}</tbody></table>'
        f'<p><label><input type="checkbox" id="keys-on" checked> {_("Single keys act")}</label></p>'
        f'<p class="soft">{_("An acknowledgement by key is sent after four seconds: until then Z takes it back.")}</p>'
        f'<p class="dialog-buttons"><button class="button primary">{_("Close")}</button></p></form></dialog>'
    )


def _choices(name: str, options: Sequence[tuple[int, str]], chosen: int) -> str:
    radios = "".join(
        f'<label><input type="radio" name="{name}" value="{value}"{" checked" if value == chosen else ""}>'
        f" {_(words)}</label>"
        for value, words in options
    )
    return f"<fieldset><legend>{_('For how long')}</legend>{radios}</fieldset>"


def dialogs() -> str:
    """Return all dialogs as HTML."""
    to = (
        f'<label for="assign-to">{_("Who takes it over")}</label>'
        '<input id="assign-to" name="to" required maxlength="80" autocomplete="off">'
    )
    queue = (
        f'<label for="work-queue">{_("Department")}</label>'
        '<input id="work-queue" name="queue" required maxlength="80" list="departments">'
        f'<datalist id="departments">{"".join(f"<option>{_(name)}</option>" for name in DEPARTMENTS)}</datalist>'
    )
    return "".join(
        (
            _dialog(
                "comment",
                text("Comment"),
                _remark("comment", text("Remark for the journal"), required=True),
                text("Add comment"),
            ),
            _dialog(
                "shelve",
                text("Shelve"),
                _choices("minutes", SHELVINGS, 60) + _remark("shelve", text("Reason"), required=True),
                text("Shelve"),
            ),
            _dialog(
                "work",
                text("Work order"),
                queue + _remark("work", text("Note for the crew"), required=False),
                text("Hand over"),
            ),
            _dialog("assign", text("Assign"), to, text("Assign")),
            _help(),
        )
    )
