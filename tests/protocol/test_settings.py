"""The settings: precedence, origins, and errors that name the line and the next thing to do."""

from pathlib import Path

import pytest

from tracer.protocol.errors import SettingsError
from tracer.protocol.identity import Encoding, Identity, Rules
from tracer.protocol.options import OPTIONS, Protocol, Secret, Security
from tracer.protocol.settings import Settings, load


def given(folder: Path, text: str, **environ: str) -> Settings:
    """Load a settings file with this text."""
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ)


def refusal(folder: Path, text: str, **environ: str) -> str:
    """Return the one-line error of a settings file with this text."""
    with pytest.raises(SettingsError) as caught:
        given(folder, text, **environ)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(folder), "…")


def test_without_anything_every_value_is_the_default() -> None:
    """No file, no variable, no flag: defaults, and the format's word for their origin."""
    settings = load(environ={})
    assert settings.options.protocol is Protocol.GSUITE
    assert settings.rules == Rules()
    assert {facts["origin"] for facts in settings.data().values()} == {"default"}
    assert list(settings.data()) == list(OPTIONS)


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    """Each value says where it came from, the file's with its line."""
    file = tmp_path / "s.toml"
    file.write_text(
        "# comment\n"
        'account = "file@x.fr"\n'
        'environment = "FILE"\n'
        'harmony_user = "FILE"\n'
        "\n"
        "[smtp]\n"
        'host = "file"\n',
        encoding="utf-8",
    )
    environ = {"TRACER_ENVIRONMENT": "ENV", "TRACER_HARMONY_USER": "ENV", "TRACER_SMTP_PORT": "26"}
    settings = load(file, environ, {"harmony_user": "FLAG"})
    data = settings.data()
    assert settings.identity == Identity("ENV", "FLAG", "")
    seen = {key: (facts["value"], facts["origin"]) for key, facts in data.items()}
    assert (
        seen.items()
        >= {
            "account": ("file@x.fr", "file:2"),
            "environment": ("ENV", "env"),
            "harmony_user": ("FLAG", "flag"),
            "windows_account": ("", "default"),
            "smtp.host": ("file", "file:7"),
            "smtp.port": (26, "env"),
        }.items()
    )


def test_the_six_options_have_the_windows_labels() -> None:
    """The window's five settable options carry its French labels; the sixth cannot be set."""
    data = load(environ={}).data()
    assert data["use_gmail"]["label"] == "Utiliser Gmail pour l'envoi de mail et le CRM"
    assert data["contact_dialog"]["label"].startswith("Utiliser la boite de dialogue pour Gmail")
    assert data["account"]["label"].startswith("Compte utilisateur pour la connexion à Gmail")
    assert data["contacts_account"]["label"].startswith("Compte pour la lecture des contacts")
    assert data["code_page"]["label"] == "Code page du texte"
    assert "gmail_access" not in data


def test_the_file_is_found_by_variable_then_in_the_home(tmp_path: Path) -> None:
    """TRACER_SETTINGS names the file; without it the one in the home is used if there is one."""
    (tmp_path / "settings.toml").write_text('account = "home@x.fr"')
    other = tmp_path / "other.toml"
    other.write_text('account = "other@x.fr"')
    assert load(environ={}, home=tmp_path).options.account == "home@x.fr"
    environ = {"TRACER_SETTINGS": str(other)}
    assert load(environ=environ, home=tmp_path).options.account == "other@x.fr"
    assert load(environ={}, home=tmp_path / "none").options.account == ""


def test_every_type_is_read(tmp_path: Path) -> None:
    """Texts, numbers, switches, lists, choices, paths beside the file, places of secrets."""
    text = """
protocol = "smtp"
use_gmail = false
scopes = ["https://mail.google.com/"]
service_account_file = "keys/key.json"
attributes = { encoding = "customType" }
[smtp]
security = "tls"
password = "env:SMTP_PASSWORD"
port = 465
"""
    options = given(tmp_path, text).options
    assert options.protocol is Protocol.SMTP
    assert options.use_gmail is False
    assert options.scopes == ("https://mail.google.com/",)
    assert options.service_account_file == tmp_path / "keys" / "key.json"
    assert options.attributes.encoding is Encoding.CUSTOM_TYPE
    assert (options.smtp.security, options.smtp.port) == (Security.TLS, 465)
    assert options.smtp.password == Secret("env:SMTP_PASSWORD")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('\nacount = "a@b.c"', "…/settings.toml:2: there is no setting acount;"
         " did you mean account?"),
        ("[smtp]\n\nhots = 1", "…/settings.toml:3: there is no setting smtp.hots;"
         " did you mean smtp.host?"),
        ('host = "x"', "…/settings.toml:1: there is no setting host; did you mean smtp.host?"),
        ("zzz = 1", "…/settings.toml:1: there is no setting zzz;"
         " `tracer act settings` lists the settings"),
        ("gmail_access = true", "…/settings.toml:1: gmail_access (Accès au serveur Gmail) is"
         " informative and cannot be set; `tracer act check` finds it out"),
        ('use_gmail = "yes"', "…/settings.toml:1: use_gmail must be true or false, not 'yes'"),
        ("[smtp]\nport = true", "…/settings.toml:2: smtp.port must be a whole number, not True"),
        ("[smtp]\nport = 0", "…/settings.toml:2: smtp.port must lie between 1 and 65535, not 0"),
        ("smtp = 3", "…/settings.toml:1: smtp is a section: write [smtp] and its settings below"),
        ("account = 3", "…/settings.toml:1: account must be a text in quotes"),
        ("scopes = [1]", "…/settings.toml:1: scopes must be a list of texts"),
        ('protocol = "pop"', "…/settings.toml:1: protocol must be one of gsuite, smtp, ews, mapi,"
         " not 'pop'"),
        ('code_page = "rot13"', "…/settings.toml:1: code_page is not a code page that mail can use;"
         " try utf-8, cp1252 or cp850, not 'rot13'"),
        ('endpoint = "localhost:80"', "…/settings.toml:1: endpoint must be a URL that begins with"
         " http or https://, not 'localhost:80'"),
        ('account = "dupond"', "…/settings.toml:1: account must be an address, name@domain,"
         " not 'dupond'"),
        ("a = \n", "…/settings.toml:1: not TOML: Invalid value"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named_with_what_is_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    """Unknown keys, wrong types and values: one line, with file, line and the next thing to do."""
    assert refusal(tmp_path, text) == message


def test_a_wrong_variable_or_flag_is_named() -> None:
    """A wrong value is blamed on the variable or flag that holds it."""
    with pytest.raises(SettingsError, match=r"^TRACER_SMTP_PORT: must be a whole number"):
        load(environ={"TRACER_SMTP_PORT": "x"})
    with pytest.raises(SettingsError, match=r"^--set: .* smpt.port; did you mean smtp.port\?"):
        load(environ={}, flags={"smpt.port": "1"})


def test_a_literal_password_is_refused_and_not_repeated(tmp_path: Path) -> None:
    """A password in the file is an error that does not show it."""
    for text in ('[smtp]\npassword = "hunter2"', "[smtp]\npassword = 4711"):
        message = refusal(tmp_path, text)
        assert "hunter2" not in message
        assert "4711" not in message
    assert "env:NAME or file:PATH" in refusal(tmp_path, '[smtp]\npassword = "hunter2"')


def test_a_secret_is_read_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment and file give the secret; where there is none, the error names the place."""
    monkeypatch.setenv("THE_PASSWORD", "hunter2")
    file = tmp_path / "password"
    file.write_text("hunter3\n")
    assert Secret("env:THE_PASSWORD").read() == "hunter2"
    assert Secret(f"file:{file}").read() == "hunter3"
    with pytest.raises(LookupError, match="NO_SUCH is not set"):
        Secret("env:NO_SUCH").read()
    with pytest.raises(LookupError, match="cannot read"):
        Secret(f"file:{tmp_path}").read()


def test_the_password_of_a_proxy_is_never_shown() -> None:
    """HTTPS_PROXY counts when no setting names a proxy; its password stays out of sight."""
    settings = load(environ={"HTTPS_PROXY": "http://me:hunter2@proxy.example:3128"})
    facts = settings.data()["network.proxy"]
    assert facts["value"] == "http://…@proxy.example:3128"
    assert facts["origin"] == "env"
    assert "hunter2" not in str(settings.data())
    own = {"TRACER_NETWORK_PROXY": "http://own:1", "HTTPS_PROXY": "http://other:2"}
    assert load(environ=own).options.network.proxy == "http://own:1"


def test_an_unreadable_file_is_one_line(tmp_path: Path) -> None:
    """No file, a folder, another encoding: an error that names the file."""
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(SettingsError, match="cannot read the settings"):
            load(path, {})
    file = tmp_path / "latin.toml"
    file.write_bytes(b'a = 1\naccount = "\xe9@x"\n')
    with pytest.raises(SettingsError, match=r"latin\.toml:2: is not UTF-8"):
        load(file, {})


def test_windows_says_who_is_logged_on() -> None:
    """In a Windows domain the Windows account is that of the session, unless a setting says so."""
    environ = {"USERNAME": "Dupond", "USERDNSDOMAIN": "soc-windows.com"}
    assert load(environ=environ).options.windows_account == "Dupond@soc-windows.com"
    environ["TRACER_WINDOWS_ACCOUNT"] = "other@soc-windows.com"
    assert load(environ=environ).options.windows_account == "other@soc-windows.com"
