"""Two further accounts beside the operator's, and nobody: written to the accounts file that the test server reads."""

import json

ALT = {"id": "a" * 64, "number": "222222222222", "displayName": "Alt Account", "email": "alt@example.com",
       "accessKey": "alt-access-key", "secretKey": "alt-secret-key"}
THIRD = {"id": "third", "number": "333333333333", "displayName": "Third Account", "email": "third@example.com",
         "accessKey": "third-access-key", "secretKey": "third-secret-key"}
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"


def write(directory):
    path = directory / "accounts.json"
    path.write_text(json.dumps({"accounts": [ALT, THIRD]}))
    path.chmod(0o600)
    return str(path)
