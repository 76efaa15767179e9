"""Words on controls, facts and links by which business UIs say what they are for. Matched without letter case.

Guesses from words are marked as such in a draft; nothing is operated because of one.
"""

from __future__ import annotations

import re


def _any(words: str, before: str = r"\b", after: str = r"\b") -> re.Pattern[str]:
    return re.compile(f"{before}(?:{'|'.join(words.split())}){after}", re.IGNORECASE)


SIGN_IN = _any("sign.?in log.?in log.?on anmelden einloggen entrar acceder connexion accedi continue next submit")
SIGN_OUT = _any("sign.?out log.?out log.?off abmelden ausloggen salir cerrar.sesión déconnexion esci")
LIST = _any(
    "work.?lists? my.work work queues? inbox tasks? to.?dos? tickets? cases? requests? incidents? issues? claims? "
    "conversations? open.cases assigned aufgaben vorgänge tareas dossiers"
)
NEXT_PAGE = re.compile(r"\b(?:next|older|more)\b|^[›»>→]+$|chevron_right|navigate_next|arrow_forward", re.IGNORECASE)
REPLY = _any(
    "repl(?:y|ies) messages? answer respond response chat antwort(?:en)? nachricht respuesta mensaje réponse messaggio"
)
WRITE = _any("comments? correspond(?:ence)? notes? text body content editor write compose")
NEVER_A_REPLY = _any("search filter find subject cc bcc")
NOT_A_REPLY = _any("title quick time date name phone internal owner")
SEND = _any("send repl(?:y|ies) respond answer post submit publish update add execute senden antworten enviar envoyer invia")
ATTACH = _any("attach upload file image photo emoji format bold italic paste undo redo schedule template draft preview cancel")
OUTCOME = _any("resolution outcome result reason disposition conclusion closing code status state abschlussgrund ergebnis")
CLOSE = _any("close resolve solve finish complete end archive wrap.?up schließen abschließen beenden cerrar clôturer chiudi")
NOT_A_CASE = _any("tasks? steps? forms? panels? dialogs? menus? windows? popups? tabs? notices? banners? sidebar")
RECEIVER = _any(
    "teams? groups? queues? departments? owners? assignees? agents? units? hand.?over transfer to recipient abteilung"
)
TRANSFER = _any("transfer hand.?(?:over|off) forward escalate reassign delegate assign move weiterleiten übergeben transferir")
ACTS = _any(
    "delete remove pay refund charge send submit close transfer approve reject decline assign unassign take steal claim "
    "resolve reopen escalate merge cancel.(?:order|case|ticket|subscription|payment) execute confirm publish book",
    before=r"^\W*",
)
NEVER_FOLLOWED = _any(
    "delete remove pay refund charge send submit close transfer approve reject decline assign unassign take steal claim "
    "resolve reopen escalate merge cancel execute confirm publish book sign.?out log.?out log.?off create new add untake toggle"
)
DISMISS = _any("cancel back no close dismiss abort abbrechen zurück cancelar annuler annulla", before=r"^\W*", after=r"\W*$")
SHOWS = _any("show hide toggle expand collapse more less details options menu open.timer view preview", before=r"^\W*")
STATUS = re.compile(
    r"(?:(?:case|ticket|task|request|order) )?(?:status|state|stage|phase|zustand|estado|statut|stato)", re.IGNORECASE
)
OVER = _any(
    "closed resolved done finished completed? cancel(?:l)?ed rejected declined transferred archived solved ended terminated "
    "erledigt geschlossen abgeschlossen cerrad[oa] resuelt[oa] fermée? résolue? chius[oa]"
)
KIND = tuple(
    _any(words, before=r"^(?:case |ticket |request )?", after="$")
    for words in (
        "process workflow",
        "category kategorie categoría catégorie",
        "type kind art tipo",
        "queue",
        "topic reason",
        "product",
    )
)
"""Labels of facts that may name the kind of a case, the likeliest first."""
INBOUND = ("inbound", "incoming", "in", "customer", "client", "visitor", "received", "them", "theirs", "user", "requestor")
OUTBOUND = ("outbound", "outgoing", "out", "agent", "operator", "sent", "me", "mine", "self", "own", "staff")
OPPOSITE = {
    "inbound": "outbound", "incoming": "outgoing", "in": "out", "customer": "agent", "client": "agent", "visitor": "agent",
    "received": "sent", "them": "me", "theirs": "mine", "user": "agent", "requestor": "staff",
}  # fmt: skip
NOT_A_CASE_LINK = _any(
    "users? profiles? accounts? people prefs preferences settings search help static dashboards? reports? articles? admin "
    "customers? contacts? log.?out password docs attachments? download history"
)
CASE_LINK = _any("cases? tickets? tasks? issues? requests? incidents? claims? conversations? work support items?")
PAGING = _any("page p offset start sort order orderby split tab size limit rows lang next return.?to", before="^", after="$")
