"""Response headers that keep browsers from doing what we did not mean."""

from __future__ import annotations

import secrets

from flask import Response, current_app, g, request


def csp_nonce() -> str:
    """The nonce of this page; every ``<script>`` and ``<style>`` element carries it."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return g.csp_nonce


def add_security_headers(response: Response) -> Response:
    nonce = csp_nonce()
    headers = response.headers
    headers.setdefault(  # stored files bring a stricter policy of their own
        "Content-Security-Policy",
        f"default-src 'self'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(self), geolocation=(), microphone=()"
    if current_app.config["GUANJIA"].secure_cookies:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint != "static":
        # Pages hold personal data: no copy stays in the browser of a shared counter computer.
        headers["Cache-Control"] = "no-store"
    elif "v" in request.args:
        headers["Cache-Control"] = "public, max-age=31536000, immutable"  # the address changes with the content
    return response
