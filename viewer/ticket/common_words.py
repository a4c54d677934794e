"""Words and hosts that name nobody: they stay as they are, even when somebody is called so."""

from typing import Final

COMMON: Final = frozenset(
    """
    account accounts address admin administrateur administrator agenda alias all anonymous api
    app archived assistant attachments attempt auth authorization backup base batch billing
    bodies body bot bureau calendar calendars call calls carnet chat check client clients code
    comercial commercial compta comptabilite configured contact contacts customer daemon data
    date debug default demo dest dev digest direction directory divalto domain drafts drive
    email emails env environment erp error errors event events exchange exchanges facturation
    factures false fields file files formation from gestion get gmail google groups gsuite guest
    harmony header headers help helpdesk history host hotline http https identity imap index
    infinity info informatique infos internal internet invalid invite item items java json kind
    label labels ldap list local localhost location login mail mailbox mailer main manager mapi
    marketing member message messages method mime mobile name names network news newsletter next
    nobody none noreply null office operation outlook owner part parts passe password path paul
    people person phone point policy post prod production profile project projects protocol
    proxy python query quota rate read reason reception recette redacted reply request reseau
    resolution response retry role root sales sandbox schema scope scopes script secretariat
    secure send server service services session settings size smtp source start status step
    subject support suspended switch sync system task tasks team technique temp test tests text
    thread threads time token tools topic trace trash true type unit update upload user username
    users utilisateur utilisateurs value values vente ventes version webmaster windows work
    workspace world write
    """.split()  # noqa: SIM905 - a list of words reads best as words
)

KEPT_HOSTS: Final = (
    "google.com", "googleapis.com", "googleusercontent.com", "gstatic.com", "gmail.com",
    "googlemail.com", "gserviceaccount.com", "goog", "google.internal", "youtube.com",
    "outlook.com", "office365.com", "office.com", "microsoft.com", "microsoftonline.com",
    "hotmail.com", "live.com", "windows.net", "yahoo.com", "orange.fr", "wanadoo.fr", "free.fr",
    "sfr.fr", "laposte.net", "icloud.com", "python.org", "pypi.org", "ietf.org", "w3.org",
    "xmlsoap.org", "openxmlformats.org", "json-schema.org", "iana.org", "rfc-editor.org",
    "github.com", "localhost", "localdomain", "letsencrypt.org",
)  # fmt: skip

SECOND_LEVEL: Final = frozenset({"co", "com", "org", "net", "ac", "gov", "gouv", "asso", "edu"})

KEPT_NETBIOS: Final = frozenset(
    {
        "nt authority", "builtin", "nt service", "authority", "software", "system", "hklm", "hkcu",
        "hkey_local_machine", "hkey_current_user", "microsoft", "windows", "currentversion", "root",
        "device",
    }
)  # fmt: skip

TOP_LEVEL: Final = (
    "com|net|org|info|biz|eu|fr|de|uk|it|es|be|ch|lu|nl|pt|at|pl|cz|dk|se|no|fi|ie|ca|us|br|mx|jp|cn"
    "|in|au|nz|za|ma|tn|dz|sn|ci|re|nc|pf|io|co|me|tv|cloud|dev|app|tech|online|shop|store|site|paris"
    "|bzh|alsace|corsica|local|lan|internal|intern|intra|intranet|corp|home|priv|private|ad|test"
    "|example|invalid|arpa|localnet"
)
"""Last labels by which a dotted word in free text is taken for a host."""
