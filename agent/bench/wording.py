"""Labels of business forms, each with what another release might call it, and in German."""

from __future__ import annotations

import re
from random import Random

from schema_extraction.view import Frozen


class Concept(Frozen):
    """One thing that a form may ask for. `kind` says by what widgets; `options` of a choice."""

    label: str
    others: tuple[str, ...]
    german: str
    kind: str = "text"
    options: tuple[str, ...] = ()


def _read(text: str) -> tuple[Concept, ...]:
    found = []
    for line in text.strip().splitlines():
        kind, label, others, german, *options = (part.strip() for part in line.split("|"))
        names = tuple(name.strip() for name in others.split(";"))
        choices = tuple(name.strip() for name in options[0].split(";")) if options else ()
        found.append(Concept(label=label, others=names, german=german, kind=kind, options=choices))
    return tuple(found)


FIELDS = _read("""
text | First name | Given name; Forename | Vorname
text | Last name | Surname; Family name | Nachname
text | Company | Organisation; Business name | Firma
text | Street | Street address; Road | Straße
text | City | Town; Place | Ort
text | Address line 1 | First address line; Address 1 | Adresszeile 1
text | Address line 2 | Second address line; Address 2 | Adresszeile 2
text | Postal code | ZIP; Postcode | Postleitzahl
email | E-mail address | Mail address; Contact e-mail | E-Mail-Adresse
email | Billing e-mail | E-mail for invoices; Invoice mail | Rechnungs-E-Mail
tel | Phone | Telephone number; Phone no. | Telefon
tel | Mobile phone | Cell phone; Mobile number | Mobiltelefon
text | Account number | Customer account; Account no. | Kontonummer
text | Order number | Purchase number; Order no. | Bestellnummer
text | Invoice number | Bill number; Invoice no. | Rechnungsnummer
text | Contract | Agreement; Contract no. | Vertrag
text | Serial number | Device number; S/N | Seriennummer
text | Tracking number | Shipment code; Parcel number | Sendungsnummer
text | Bank account | IBAN; Account for payment | Bankverbindung
text | Tax number | VAT number; Tax ID | Steuernummer
text | Purchase order | PO reference; Customer order | Einkaufsauftrag
text | Cost centre | Cost unit; Charge to | Kostenstelle
text | Contact person | Contact; Person to ask | Ansprechpartner
text | Reference | Our reference; Ref. | Aktenzeichen
text | Article | Item; Product | Artikel
number | Refund amount | Amount to refund; Money back | Erstattungsbetrag
number | Amount | Sum; Total | Betrag
number | Discount | Rebate; Price reduction | Rabatt
number | Quantity | Number of pieces; Qty | Menge
number | Shipping cost | Delivery fee; Postage | Versandkosten
number | Number of guests | Guests; Party size | Gästezahl
number | Weight | Gross weight; Mass | Gewicht
number | Credit limit | Maximum credit; Limit | Kreditrahmen
number | Deposit | Down payment; Security | Anzahlung
date | Date of purchase | Purchased on; Order date | Kaufdatum
date | Delivery date | Arrives on; Date of delivery | Lieferdatum
date | Due date | Payable by; Deadline | Fälligkeit
date | Valid from | Start date; Begins on | Gültig ab
date | Valid until | End date; Expires on | Gültig bis
date | Date of birth | Born on; Birthday | Geburtsdatum
date | Call back on | Follow-up date; Reminder | Rückruf am
choice | Reason for return | Return reason; Why it comes back | Rückgabegrund | Damaged; Wrong size; Too late; Changed mind
choice | Priority | Urgency; How urgent | Dringlichkeit | Low; Normal; High; Critical
choice | Status | State; Case state | Zustand | Open; In review; On hold; Resolved
choice | Country | Country of residence; Nation | Land | Germany; France; Spain; Poland; Italy
choice | Payment method | Paid by; Way of payment | Zahlungsart | Card; Invoice; Direct debit; Voucher
choice | Team | Assigned team; Responsible group | Zuständiges Team | Billing; Logistics; Technical support; Supervisors
choice | Decision | Verdict; Ruling | Entscheidung | Approve; Refuse; Ask again
choice | Language | Preferred language; Correspondence language | Sprache | English; German; French
choice | Currency | Money unit; In currency | Währung | EUR; USD; GBP; CHF
choice | Delivery service | Carrier; Shipped with | Versanddienst | Standard; Express; Overnight
choice | Category | Kind of request; Topic | Kategorie | Complaint; Question; Order; Feedback
choice | Salutation | Title; Form of address | Anrede | Ms; Mr; Mx
choice | Warehouse | Depot; Stock location | Lager | North; South; East
radio | Way of contact | Contact by; Preferred channel | Kontaktweg | E-mail; Phone; Letter
radio | Way of return | Return route; Comes back by | Rückweg | By mail; In store; Drop-off point
radio | Customer type | Kind of customer; Client class | Kundenart | Private; Business
radio | Coverage | Warranty cover; Insured | Deckung | Full; Partial; None
check | Send a confirmation | Confirm by e-mail; Mail a receipt | Bestätigung senden
check | Terms accepted | Agrees to the terms; Conditions agreed | Bedingungen akzeptiert
check | Urgent | Needs attention at once; Rush | Eilt
check | Exempt from tax | No tax; Tax free | Steuerfrei
check | Gift wrapping | Wrap as a gift; Gift | Als Geschenk verpacken
check | Newsletter | Wants news; Marketing mails | Newsletter abonnieren
long | Description | What happened; Details of the problem | Beschreibung
long | Internal note | Note for colleagues; Remark | Interne Notiz
long | Message to the customer | Reply; Answer | Nachricht an den Kunden
long | Delivery instructions | Notes for the courier; Where to leave it | Lieferhinweise
""")

BUTTONS = _read("""
button | Save | Save changes; Store | Speichern
button | Submit | Send off; Finish step | Absenden
button | Approve | Accept request; Grant | Genehmigen
button | Reject | Decline; Refuse request | Ablehnen
button | Cancel | Back; Discard | Abbrechen
button | Send reply | Send message; Answer customer | Antwort senden
button | Close case | Finish case; Resolve | Fall schließen
button | Transfer | Hand over; Forward to team | Weiterleiten
button | Print | Print page; Paper copy | Drucken
button | Check address | Verify address; Validate address | Adresse prüfen
button | Add line | New position; Insert row | Zeile hinzufügen
button | Upload file | Attach document; Add attachment | Datei hochladen
button | Look up order | Find order; Search order | Bestellung suchen
button | Issue refund | Pay back; Refund now | Erstattung auslösen
button | Assign to me | Take case; I do it | Mir zuweisen
button | Escalate | Ask supervisor; Raise | Eskalieren
button | Copy | Duplicate; Clone | Kopieren
button | Call customer | Ring customer; Start call | Kunden anrufen
""")

LINKS = _read("""
link | Dashboard | Overview; Home | Übersicht
link | Queue | My work; Inbox | Aufgaben
link | Customers | Clients; People | Kunden
link | Reports | Figures; Analytics | Berichte
link | Settings | Preferences; Options | Einstellungen
link | Knowledge base | Help articles; Handbook | Wissensdatenbank
link | Archive | Old cases; Closed | Archiv
""")

TABS = _read("""
tab | Details | Particulars; Case data | Einzelheiten
tab | History | Earlier events; Timeline | Verlauf
tab | Documents | Files; Attachments | Dokumente
tab | Notes | Remarks; Comments | Notizen
tab | Payments | Transactions; Money | Zahlungen
""")

SECTIONS = _read("""
section | Customer | Client; Who it is about | Kunde
section | Shipping address | Delivery to; Ship to | Lieferadresse
section | Billing address | Invoice to; Bill to | Rechnungsadresse
section | Payment | Money; How it is paid | Bezahlung
section | Return | Sending back; Return of goods | Rückgabe
section | Request | What is asked; Enquiry | Anliegen
section | Decision of the case | Outcome; Verdict | Ergebnis
section | Delivery | Shipment; Transport | Zustellung
section | Contact | How to reach; Reachability | Kontakt
section | Contract data | Agreement; Terms | Vertragsdaten
section | Assessment | Evaluation; Check | Bewertung
section | Follow-up | Next steps; To do | Wiedervorlage
""")

_ALL = {concept.label: concept for concept in (*FIELDS, *BUTTONS, *LINKS, *TABS, *SECTIONS)}

# For labels that are not in the lists, such as those of the practice BPM: word by word.
_WORDS = {
    "account": ("customer record", "Konto"),
    "amount": ("sum", "Betrag"),
    "case": ("matter", "Fall"),
    "close": ("finish", "Schließen"),
    "complete": ("finish", "Abschließen"),
    "customer": ("client", "Kunde"),
    "date": ("day", "Datum"),
    "decision": ("verdict", "Entscheidung"),
    "details": ("particulars", "Einzelheiten"),
    "history": ("past", "Verlauf"),
    "item": ("article", "Artikel"),
    "key": ("identifier", "Kennung"),
    "name": ("full name", "Name"),
    "number": ("no.", "Nummer"),
    "order": ("purchase", "Bestellung"),
    "price": ("cost", "Preis"),
    "reason": ("cause", "Grund"),
    "refund": ("money back", "Erstattung"),
    "reply": ("answer", "Antwort"),
    "resolution": ("outcome", "Ergebnis"),
    "return": ("sending back", "Rückgabe"),
    "send": ("dispatch", "Senden"),
    "task": ("step", "Aufgabe"),
    "team": ("group", "Team"),
    "transfer": ("hand over", "Weiterleiten"),
    "way": ("means", "Weg"),
}


def _by_word(label: str, language: int) -> str:
    def other(found: re.Match[str]) -> str:
        return _WORDS[found.group().lower()][language] if found.group().lower() in _WORDS else found.group()

    changed = re.sub(r"[A-Za-z]+", other, label)
    return changed[:1].upper() + changed[1:]


def synonym(label: str, rng: Random) -> str:
    """What else the label might be called; the same where nothing comes to mind."""
    concept = _ALL.get(label)
    return rng.choice(concept.others) if concept else _by_word(label, 0)


def german(label: str, rng: Random) -> str:
    """The label in German; the same where the word is not known."""
    concept = _ALL.get(label)
    return concept.german if concept else _by_word(label, 1)


def reworded(label: str, rng: Random) -> str:
    """The same label written a little differently: another case, a unit, a colon, a word more, an abbreviation."""
    changes = (
        lambda: label.upper(),
        lambda: label.title() if label.title() != label else label.lower(),
        lambda: f"{label} ({rng.choice(('EUR', 'kg', 'optional', 'see note'))})",
        lambda: f"{label}:",
        lambda: f"Your {label[:1].lower()}{label[1:]}",
        lambda: f"{label} *",
        lambda: f"{label} of the case",
        lambda: " ".join(word if len(word) < 7 else f"{word[:4]}." for word in label.split()),
        lambda: f"{rng.randrange(1, 9)}. {label}",
    )
    return rng.choice(changes)()
