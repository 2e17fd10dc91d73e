"""Runs `martlet admin` against a test server."""

import json
import os
import subprocess

from martlet_server import ACCESS_KEY, BINARY, SECRET_KEY


def admin(server, *arguments, status=0, stdin=None, environment=None, as_json=True):
    """What the command answers, read as JSON; with another status expected, what it says on standard error."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("MARTLET_")}
    variables.update(MARTLET_ENDPOINT=server.endpoint, MARTLET_ROOT_USER=ACCESS_KEY, MARTLET_ROOT_PASSWORD=SECRET_KEY)
    if server.authority:
        variables["MARTLET_CA_FILE"] = server.authority
    variables.update(environment or {})
    command = [str(BINARY), "admin", *map(str, arguments), *(["--json"] if as_json else [])]
    done = subprocess.run(command, env=variables, input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    if not as_json:
        return done.stdout
    return json.loads(done.stdout) if done.stdout.startswith("{") else done.stderr
