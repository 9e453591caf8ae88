"""The few pages that are not the dashboard's: sign in, change the password. Plain HTML that needs no script."""

from html import escape
from urllib.parse import quote

from starlette.responses import HTMLResponse

# These pages load our own style sheet and fonts, send their form to us, and nothing else.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

# The colours are those of dashboard/assets/1-tokens.css, which the page loads; without script, darkness is the
# system's choice.
STYLE = """\
@media (prefers-color-scheme: dark) {
  :root { color-scheme: dark; --ground: #111417; --surface: #191d21; --raised: #20252a; --line: #30373e;
          --line-strong: #717b85; --text: #e6e9ec; --text-soft: #a5aeb7; --accent: #5fc3d6; --critical: #ff7a80;
          --critical-soft: #3a1b1e; }
}
body { background: var(--ground); color: var(--text); font-family: var(--font); line-height: 1.5; margin: 0;
       display: grid; min-height: 100vh; place-items: center; }
main { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); box-sizing: border-box;
       margin: 16px; max-width: 400px; padding: 28px; width: calc(100% - 32px); }
h1 { font-size: 20px; margin: 0 0 4px; }
p { color: var(--text-soft); font-size: 14px; margin: 0 0 16px; }
label { display: block; font-size: 13px; font-weight: 600; margin: 14px 0 4px; }
input { background: var(--surface); border: 1px solid var(--line-strong); border-radius: 6px; box-sizing: border-box;
        color: var(--text); font: inherit; min-height: 40px; padding: 0 10px; width: 100%; }
button, .button { align-items: center; background: var(--accent); border: 1px solid var(--accent); border-radius: 6px;
        box-sizing: border-box; color: var(--surface); cursor: pointer; display: flex; font: inherit; font-weight: 600;
        justify-content: center; margin-top: 20px; min-height: 40px; text-decoration: none; width: 100%; }
.button { background: var(--surface); border-color: var(--line-strong); color: var(--text); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.fault { background: var(--critical-soft); border-left: 3px solid var(--critical); color: var(--text);
         padding: 8px 12px; }
"""


def _page(title: str, body: str, status: int, headers: dict[str, str] | None = None) -> HTMLResponse:
    text = f"""<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{title} - Citywatch</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/assets/1-tokens.css">
    <link rel="stylesheet" href="/sign-in.css">
  </head>
  <body>
    <main>
{body}
    </main>
  </body>
</html>
"""
    more = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store", **(headers or {})}
    return HTMLResponse(text, status, more)


def _fault(words: str) -> str:
    return f'<p class="fault" role="alert" id="fault">{escape(words)}</p>' if words else ""


def sign_in_page(
    after: str, *, fault: str = "", name: str = "", provider: bool = False, status: int = 200, wait: int = 0
) -> HTMLResponse:
    """Return the page that asks for name and password; `after` is where it leads to."""
    # Quoted, not only escaped: of /trends?device=a&property=b the second part would be a parameter of the provider's.
    elsewhere = (
        f'<a class="button" href="/sign-in/provider?next={quote(after)}">Sign in with your organisation</a>'
        if provider
        else ""
    )
    body = f"""      <h1>Sign in to Citywatch</h1>
      <p>For people who work with this city's sensors.</p>
      {_fault(fault)}
      <form method="post" action="/sign-in">
        <input type="hidden" name="next" value="{escape(after)}">
        <label for="name">Name</label>
        <input id="name" name="name" value="{escape(name)}" autocomplete="username" autocapitalize="none" required
               {"autofocus" if not name else ""}>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required
               {"autofocus" if name else ""}>
        <button type="submit">Sign in</button>
      </form>
      {elsewhere}"""
    return _page("Sign in", body, status, {"Retry-After": str(wait)} if wait else None)


def password_page(name: str, *, must: bool, fault: str = "", status: int = 200) -> HTMLResponse:
    """Return the page that changes one's own password."""
    why = "Your password was given to you once: choose your own before you go on." if must else "It ends all sessions."
    body = f"""      <h1>Change your password</h1>
      <p>{why}</p>
      {_fault(fault)}
      <form method="post" action="/password">
        <input type="hidden" name="username" value="{escape(name)}" autocomplete="username">
        <label for="old">Present password</label>
        <input id="old" name="old" type="password" autocomplete="current-password" required autofocus>
        <label for="new">New password, 12 characters or more</label>
        <input id="new" name="new" type="password" autocomplete="new-password" minlength="12" required>
        <label for="again">New password again</label>
        <input id="again" name="again" type="password" autocomplete="new-password" minlength="12" required>
        <button type="submit">Change it</button>
      </form>"""
    return _page("Change your password", body, status)
