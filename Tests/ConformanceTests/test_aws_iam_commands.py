"""`aws iam` and `aws sts`: the commands of the AWS CLI itself, run within this process because starting it seventy times takes a minute."""

import contextlib
import io
import json
import logging
import os

import pytest
from awscli.clidriver import create_clidriver

from martlet_server import ACCESS_KEY, SECRET_KEY
from test_iam import allow, document, service


class AWS:
    def __init__(self, server):
        self.server = server
        self.ran = set()
        self.drivers = {}
        # What it logs at this level is kept by pytest, and takes longer than the commands.
        for name in ("awscli", "botocore", "urllib3"):
            logging.getLogger(name).setLevel(logging.WARNING)

    def __call__(self, *arguments, status=0, key=(ACCESS_KEY, SECRET_KEY, None)):
        """The JSON that a command prints; with another status, what it says on standard error."""
        environment = {"AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1], "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": "",
                       "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        if self.server.authority:
            environment["AWS_CA_BUNDLE"] = self.server.authority
        if key[2]:
            environment["AWS_SESSION_TOKEN"] = key[2]
        self.ran.add(" ".join(arguments[:2]))
        saved = dict(os.environ)
        for name in [n for n in os.environ if n.startswith("AWS_") and n != "AWS_DATA_PATH"]:
            del os.environ[name]
        os.environ.update(environment)
        out, err = io.StringIO(), io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                # A driver finds its credentials once.
                driver = self.drivers.get(key) or self.drivers.setdefault(key, create_clidriver())
                code = driver.main(["--endpoint-url", self.server.endpoint, "--output", "json", *arguments])
        finally:
            os.environ.clear()
            os.environ.update(saved)
        assert code == status, f"{arguments}: {code}\n{out.getvalue()}\n{err.getvalue()}"
        if status:
            return err.getvalue()
        return json.loads(out.getvalue()) if out.getvalue().strip() else None


@pytest.fixture(scope="module")
def aws(server):
    return AWS(server)


READ = document(allow("s3:GetObject"))
TRUST = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole", "sts:TagSession"],
                                                           "Condition": {"StringEquals": {"sts:ExternalId": "outside"}}}})


def test_users_keys_and_tags(aws):
    aws("iam", "create-user", "--user-name", "cli-ann", "--path", "/cli/", "--tags", "Key=team,Value=blue", "Key=Cost,Value=")
    user = aws("iam", "get-user", "--user-name", "cli-ann")["User"]
    assert user["Tags"] == [{"Key": "team", "Value": "blue"}, {"Key": "Cost", "Value": ""}]
    aws("iam", "tag-user", "--user-name", "cli-ann", "--tags", "Key=Team,Value=red", "Key=new,Value=1")
    aws("iam", "untag-user", "--user-name", "cli-ann", "--tag-keys", "Cost")
    assert aws("iam", "list-user-tags", "--user-name", "cli-ann")["Tags"] == [{"Key": "Team", "Value": "red"}, {"Key": "new", "Value": "1"}]
    assert "InvalidInput" in aws("iam", "tag-user", "--user-name", "cli-ann", "--tags", "Key=a,Value=1", "Key=A,Value=2", status=255)
    key = aws("iam", "create-access-key", "--user-name", "cli-ann")["AccessKey"]
    aws("iam", "update-access-key", "--user-name", "cli-ann", "--access-key-id", key["AccessKeyId"], "--status", "Inactive")
    assert aws("iam", "list-access-keys", "--user-name", "cli-ann")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    assert aws("iam", "get-access-key-last-used", "--access-key-id", key["AccessKeyId"])["UserName"] == "cli-ann"
    assert "InvalidClientTokenId" in aws("sts", "get-caller-identity", key=(key["AccessKeyId"], key["SecretAccessKey"], None), status=255)
    aws("iam", "update-access-key", "--user-name", "cli-ann", "--access-key-id", key["AccessKeyId"], "--status", "Active")
    assert aws("sts", "get-caller-identity", key=(key["AccessKeyId"], key["SecretAccessKey"], None))["Arn"].endswith("user/cli/cli-ann")
    assert "DeleteConflict" in aws("iam", "delete-user", "--user-name", "cli-ann", status=255)
    aws("iam", "delete-access-key", "--user-name", "cli-ann", "--access-key-id", key["AccessKeyId"])
    aws("iam", "update-user", "--user-name", "cli-ann", "--new-user-name", "cli-bea", "--new-path", "/other/")
    assert aws("iam", "get-user", "--user-name", "cli-bea")["User"]["Path"] == "/other/"
    aws("iam", "put-user-policy", "--user-name", "cli-bea", "--policy-name", "p", "--policy-document", READ)
    assert aws("iam", "get-user-policy", "--user-name", "cli-bea", "--policy-name", "p")["PolicyDocument"]["Statement"][0]["Action"] == "s3:GetObject"
    assert aws("iam", "list-user-policies", "--user-name", "cli-bea")["PolicyNames"] == ["p"]
    aws("iam", "delete-user-policy", "--user-name", "cli-bea", "--policy-name", "p")
    aws("iam", "put-user-permissions-boundary", "--user-name", "cli-bea", "--permissions-boundary", "arn:aws:iam::aws:policy/readonly")
    assert aws("iam", "get-user", "--user-name", "cli-bea")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("/readonly")
    aws("iam", "delete-user-permissions-boundary", "--user-name", "cli-bea")
    aws("iam", "delete-user", "--user-name", "cli-bea")
    assert "NoSuchEntity" in aws("iam", "get-user", "--user-name", "cli-bea", status=255)


def test_lists_come_in_pages(aws):
    for index in range(5):
        aws("iam", "create-user", "--user-name", f"page-{index}", "--path", "/pages/")
    page = aws("iam", "list-users", "--path-prefix", "/pages/", "--no-paginate", "--max-items", "2")
    assert [u["UserName"] for u in page["Users"]] == ["page-0", "page-1"] and page["IsTruncated"]
    page = aws("iam", "list-users", "--path-prefix", "/pages/", "--no-paginate", "--max-items", "2", "--marker", page["Marker"])
    assert [u["UserName"] for u in page["Users"]] == ["page-2", "page-3"]
    assert len(aws("iam", "list-users", "--path-prefix", "/pages/", "--page-size", "2")["Users"]) == 5
    for index in range(5):
        aws("iam", "delete-user", "--user-name", f"page-{index}")


def test_names_are_found_in_any_case(aws):
    user = aws("iam", "create-user", "--user-name", "Case-Bb", "--path", "/case/")["User"]
    assert "EntityAlreadyExists" in aws("iam", "create-user", "--user-name", "case-bb", status=255)
    assert aws("iam", "get-user", "--user-name", "case-bB")["User"] == user
    aws("iam", "create-group", "--group-name", "Case-Group")
    aws("iam", "add-user-to-group", "--group-name", "case-group", "--user-name", "CASE-BB")
    for name in ("case-aa", "Case-Cc"):
        aws("iam", "create-user", "--user-name", name, "--path", "/case/")
    assert [u["UserName"] for u in aws("iam", "list-users", "--path-prefix", "/case/")["Users"]] == ["case-aa", "Case-Bb", "Case-Cc"]
    aws("iam", "update-user", "--user-name", "case-bb", "--new-user-name", "case-BB")
    assert [u["UserName"] for u in aws("iam", "get-group", "--group-name", "CASE-GROUP")["Users"]] == ["case-BB"]
    aws("iam", "remove-user-from-group", "--group-name", "case-group", "--user-name", "Case-bb")
    aws("iam", "delete-group", "--group-name", "case-group")
    for name in ("CASE-AA", "case-bb", "case-cc"):
        aws("iam", "delete-user", "--user-name", name)
    assert "NoSuchEntity" in aws("iam", "get-user", "--user-name", "case-BB", status=255)


def test_groups(aws):
    aws("iam", "create-group", "--group-name", "cli-group")
    aws("iam", "create-user", "--user-name", "cli-member")
    aws("iam", "add-user-to-group", "--group-name", "cli-group", "--user-name", "cli-member")
    assert [u["UserName"] for u in aws("iam", "get-group", "--group-name", "cli-group")["Users"]] == ["cli-member"]
    assert "cli-group" in [g["GroupName"] for g in aws("iam", "list-groups")["Groups"]]
    assert [g["GroupName"] for g in aws("iam", "list-groups-for-user", "--user-name", "cli-member")["Groups"]] == ["cli-group"]
    aws("iam", "put-group-policy", "--group-name", "cli-group", "--policy-name", "p", "--policy-document", READ)
    aws("iam", "get-group-policy", "--group-name", "cli-group", "--policy-name", "p")
    assert aws("iam", "list-group-policies", "--group-name", "cli-group")["PolicyNames"] == ["p"]
    aws("iam", "delete-group-policy", "--group-name", "cli-group", "--policy-name", "p")
    aws("iam", "attach-group-policy", "--group-name", "cli-group", "--policy-arn", "arn:aws:iam::aws:policy/readonly")
    assert len(aws("iam", "list-attached-group-policies", "--group-name", "cli-group")["AttachedPolicies"]) == 1
    aws("iam", "detach-group-policy", "--group-name", "cli-group", "--policy-arn", "arn:aws:iam::aws:policy/readonly")
    aws("iam", "update-group", "--group-name", "cli-group", "--new-group-name", "cli-renamed")
    aws("iam", "remove-user-from-group", "--group-name", "cli-renamed", "--user-name", "cli-member")
    aws("iam", "delete-group", "--group-name", "cli-renamed")
    aws("iam", "delete-user", "--user-name", "cli-member")


def test_policies_and_their_versions(aws):
    arn = aws("iam", "create-policy", "--policy-name", "cli-policy", "--policy-document", READ, "--tags", "Key=a,Value=b")["Policy"]["Arn"]
    for number in range(2, 6):
        made = aws("iam", "create-policy-version", "--policy-arn", arn, "--policy-document", READ)
        assert made["PolicyVersion"]["VersionId"] == f"v{number}" and not made["PolicyVersion"]["IsDefaultVersion"]
    assert "LimitExceeded" in aws("iam", "create-policy-version", "--policy-arn", arn, "--policy-document", READ, status=255)
    aws("iam", "set-default-policy-version", "--policy-arn", arn, "--version-id", "v3")
    assert aws("iam", "get-policy", "--policy-arn", arn)["Policy"]["DefaultVersionId"] == "v3"
    assert "DeleteConflict" in aws("iam", "delete-policy-version", "--policy-arn", arn, "--version-id", "v3", status=255)
    for number in (1, 2, 4, 5):
        aws("iam", "delete-policy-version", "--policy-arn", arn, "--version-id", f"v{number}")
    made = aws("iam", "create-policy-version", "--policy-arn", arn, "--policy-document", READ, "--set-as-default")["PolicyVersion"]
    assert made["VersionId"] == "v6"
    assert [v["VersionId"] for v in aws("iam", "list-policy-versions", "--policy-arn", arn)["Versions"]] == ["v6", "v3"]
    assert aws("iam", "get-policy-version", "--policy-arn", arn, "--version-id", "v6")["PolicyVersion"]["IsDefaultVersion"]
    aws("iam", "tag-policy", "--policy-arn", arn, "--tags", "Key=c,Value=d")
    aws("iam", "untag-policy", "--policy-arn", arn, "--tag-keys", "a")
    assert aws("iam", "list-policy-tags", "--policy-arn", arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    aws("iam", "create-user", "--user-name", "cli-holder")
    aws("iam", "attach-user-policy", "--user-name", "cli-holder", "--policy-arn", arn)
    assert aws("iam", "list-entities-for-policy", "--policy-arn", arn)["PolicyUsers"][0]["UserName"] == "cli-holder"
    assert arn in [p["Arn"] for p in aws("iam", "list-policies", "--only-attached")["Policies"]]
    assert aws("iam", "list-attached-user-policies", "--user-name", "cli-holder")["AttachedPolicies"] == [{"PolicyName": "cli-policy", "PolicyArn": arn}]
    aws("iam", "detach-user-policy", "--user-name", "cli-holder", "--policy-arn", arn)
    aws("iam", "delete-user", "--user-name", "cli-holder")
    assert "more than one version" in aws("iam", "delete-policy", "--policy-arn", arn, status=255)
    aws("iam", "delete-policy-version", "--policy-arn", arn, "--version-id", "v3")
    aws("iam", "delete-policy", "--policy-arn", arn)
    assert "NoSuchEntity" in aws("iam", "get-policy", "--policy-arn", arn, status=255)
    assert "InvalidInput" in aws("iam", "get-policy", "--policy-arn", "cli-policy-without-an-arn", status=255)
    assert "MalformedPolicyDocument" in aws("iam", "create-policy", "--policy-name", "bad", "--policy-document", "{}", status=255)


def test_roles_and_sessions(aws, server):
    role = aws("iam", "create-role", "--role-name", "cli-role", "--assume-role-policy-document", TRUST, "--tags", "Key=team,Value=blue")["Role"]
    aws("iam", "put-role-policy", "--role-name", "cli-role", "--policy-name", "p", "--policy-document", document(
        allow("s3:ListAllMyBuckets", Condition={"StringEquals": {"aws:PrincipalTag/project": "x", "aws:PrincipalTag/team": "green"}})))
    aws("iam", "get-role-policy", "--role-name", "cli-role", "--policy-name", "p")
    assert aws("iam", "list-role-policies", "--role-name", "cli-role")["PolicyNames"] == ["p"]
    assume = ["sts", "assume-role", "--role-arn", role["Arn"], "--role-session-name", "cli"]
    nobody = TRUST.replace('"AWS": "*"', f'"AWS": "{role["Arn"].replace("role/cli-role", "user/nobody")}"')
    said = aws("iam", "create-role", "--role-name", "cli-trusting", "--assume-role-policy-document", nobody, status=255)
    assert "MalformedPolicyDocument" in said and "Invalid principal" in said
    assert "AccessDenied" in aws(*assume, status=255)
    assert "AccessDenied" in aws(*assume, "--external-id", "wrong", status=255)
    assert "not supported" in aws(*assume, "--external-id", "outside", "--source-identity", "me", status=255)
    plain = aws(*assume, "--external-id", "outside")["Credentials"]
    tagged = aws(*assume, "--external-id", "outside", "--tags", "Key=project,Value=x", "Key=Team,Value=green")["Credentials"]

    def buckets(credentials, status):
        key = (credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
        return aws("s3api", "list-buckets", key=key, status=status)

    assert "AccessDenied" in buckets(plain, 255)
    # A session of a role that may do everything is not the account: it makes no key of the account.
    session = (plain["AccessKeyId"], plain["SecretAccessKey"], plain["SessionToken"])
    aws("iam", "put-role-policy", "--role-name", "cli-role", "--policy-name", "all", "--policy-document", document(allow("iam:*")))
    assert "ValidationError" in aws("iam", "create-access-key", key=session, status=255)
    assert "ValidationError" in aws("iam", "list-access-keys", key=session, status=255)
    assert "ValidationError" in aws("iam", "get-user", key=session, status=255)
    aws("iam", "delete-role-policy", "--role-name", "cli-role", "--policy-name", "all")
    assert "Buckets" in buckets(tagged, 0)
    aws("iam", "update-assume-role-policy", "--role-name", "cli-role", "--policy-document", TRUST.replace(', "sts:TagSession"', ""))
    assert "AccessDenied" in aws(*assume, "--external-id", "outside", "--tags", "Key=project,Value=x", status=255)
    aws("iam", "tag-role", "--role-name", "cli-role", "--tags", "Key=x,Value=y")
    aws("iam", "untag-role", "--role-name", "cli-role", "--tag-keys", "team")
    assert aws("iam", "list-role-tags", "--role-name", "cli-role")["Tags"] == [{"Key": "x", "Value": "y"}]
    aws("iam", "update-role", "--role-name", "cli-role", "--description", "d", "--max-session-duration", "7200")
    assert aws("iam", "update-role-description", "--role-name", "cli-role", "--description", "e")["Role"]["Description"] == "e"
    assert aws("iam", "get-role", "--role-name", "cli-role")["Role"]["MaxSessionDuration"] == 7200
    aws("iam", "attach-role-policy", "--role-name", "cli-role", "--policy-arn", "arn:aws:iam::aws:policy/readwrite")
    assert len(aws("iam", "list-attached-role-policies", "--role-name", "cli-role")["AttachedPolicies"]) == 1
    aws("iam", "put-role-permissions-boundary", "--role-name", "cli-role", "--permissions-boundary", "arn:aws:iam::aws:policy/readonly")
    aws("iam", "delete-role-permissions-boundary", "--role-name", "cli-role")
    assert aws("iam", "list-instance-profiles-for-role", "--role-name", "cli-role")["InstanceProfiles"] == []
    assert "cli-role" in [r["RoleName"] for r in aws("iam", "list-roles")["Roles"]]
    aws("iam", "detach-role-policy", "--role-name", "cli-role", "--policy-arn", "arn:aws:iam::aws:policy/readwrite")
    aws("iam", "delete-role-policy", "--role-name", "cli-role", "--policy-name", "p")
    aws("iam", "delete-role", "--role-name", "cli-role")
    # A role made anew under the old name is another: sessions of the old one are not its own.
    aws("iam", "create-role", "--role-name", "cli-role", "--assume-role-policy-document", TRUST)
    aws("iam", "attach-role-policy", "--role-name", "cli-role", "--policy-arn", "arn:aws:iam::aws:policy/readwrite")
    assert "InvalidAccessKeyId" in buckets(tagged, 255)
    token = aws("sts", "get-session-token", "--duration-seconds", "900")["Credentials"]
    assert "Buckets" in buckets(token, 0)
    aws("sts", "get-federation-token", "--name", "cli-visitor", "--policy", READ)
    aws("iam", "create-user", "--user-name", "cli-known")
    known = aws("iam", "create-access-key", "--user-name", "cli-known")["AccessKey"]["AccessKeyId"]
    assert aws("sts", "get-access-key-info", "--access-key-id", known)["Account"] == aws("sts", "get-caller-identity")["Account"]
    assert "not one of this account" in aws("sts", "get-access-key-info", "--access-key-id", "AKIA" + "X" * 16, status=255)


def test_what_an_account_has(aws):
    summary = aws("iam", "get-account-summary")["SummaryMap"]
    assert summary["Users"] >= 0 and summary["AccountMFAEnabled"] == 0
    aws("iam", "create-user", "--user-name", "cli-detail")
    aws("iam", "put-user-policy", "--user-name", "cli-detail", "--policy-name", "p", "--policy-document", READ)
    details = aws("iam", "get-account-authorization-details", "--filter", "User")
    found = [u for u in details["UserDetailList"] if u["UserName"] == "cli-detail"][0]
    assert found["UserPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == "s3:GetObject" and details["RoleDetailList"] == []
    assert aws("iam", "list-account-aliases")["AccountAliases"] == []
    aws("iam", "create-account-alias", "--account-alias", "operator")
    assert aws("iam", "list-account-aliases")["AccountAliases"] == ["operator"]
    aws("iam", "delete-account-alias", "--account-alias", "operator")
    # The key of the settings is changed there; the account may have another.
    second = aws("iam", "create-access-key")["AccessKey"]
    key = (second["AccessKeyId"], second["SecretAccessKey"], None)
    assert aws("sts", "get-caller-identity", key=key)["Arn"].endswith(":root")
    aws("iam", "update-access-key", "--access-key-id", second["AccessKeyId"], "--status", "Inactive")
    assert "InvalidClientTokenId" in aws("sts", "get-caller-identity", key=key, status=255)
    aws("iam", "delete-access-key", "--access-key-id", second["AccessKeyId"])
    assert "NoSuchEntity" in aws("iam", "delete-access-key", "--access-key-id", "A" * 20, status=255)
    assert aws("iam", "list-mfa-devices")["MFADevices"] == [] and aws("iam", "list-ssh-public-keys")["SSHPublicKeys"] == []
    assert "NoSuchEntity" in aws("iam", "get-login-profile", "--user-name", "cli-detail", status=255)
    assert "InvalidAction" in aws("iam", "create-login-profile", "--user-name", "cli-detail", "--password", "x", status=255)


def test_an_alias_of_an_account(aws):
    import accounts

    alt = (accounts.ALT["accessKey"], accounts.ALT["secretKey"], None)
    assert "NoSuchEntity" in aws("iam", "delete-account-alias", "--account-alias", "operator", key=alt, status=255)
    from admin import admin

    made = admin(aws.server, "account", "create", "with-alias")
    key = (made["AccessKeys"][0], made["SecretKey"], None)
    aws("iam", "create-account-alias", "--account-alias", "my-alias", key=key)
    assert aws("iam", "list-account-aliases", key=key)["AccountAliases"] == ["my-alias"]
    aws("iam", "delete-account-alias", "--account-alias", "my-alias", key=key)
    assert aws("iam", "list-account-aliases", key=key)["AccountAliases"] == []
    second = aws("iam", "create-access-key", key=key)["AccessKey"]
    aws("iam", "delete-access-key", "--access-key-id", key[0], key=(second["AccessKeyId"], second["SecretAccessKey"], None))
    assert "InvalidClientTokenId" in aws("iam", "list-users", key=key, status=255)
    admin(aws.server, "account", "delete", "with-alias")


def test_policies_are_simulated(aws):
    aws("iam", "create-user", "--user-name", "cli-sim")
    aws("iam", "put-user-policy", "--user-name", "cli-sim", "--policy-name", "p", "--policy-document", document(
        allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*"), {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
        allow("s3:PutObject", "*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})))
    arn = aws("iam", "get-user", "--user-name", "cli-sim")["User"]["Arn"]
    ask = ["iam", "simulate-principal-policy", "--policy-source-arn", arn, "--resource-arns", "arn:aws:s3:::b/cli-sim/k"]
    results = aws(*ask, "--action-names", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket", "s3:PutObject")["EvaluationResults"]
    assert [(r["EvalActionName"], r["EvalDecision"]) for r in results] == [
        ("s3:GetObject", "allowed"), ("s3:DeleteObject", "explicitDeny"), ("s3:ListBucket", "implicitDeny"), ("s3:PutObject", "implicitDeny")]
    assert results[0]["MatchedStatements"][0]["SourcePolicyId"] == "user_cli-sim_p" and results[3]["MissingContextValues"] == ["aws:sourceip"]
    context = "ContextKeyName=aws:SourceIp,ContextKeyValues=10.1.1.1,ContextKeyType=ip"
    assert aws(*ask, "--action-names", "s3:PutObject", "--context-entries", context)["EvaluationResults"][0]["EvalDecision"] == "allowed"
    results = aws("iam", "simulate-custom-policy", "--policy-input-list", READ, "--action-names", "s3:GetObject", "s3:PutObject")["EvaluationResults"]
    assert [r["EvalDecision"] for r in results] == ["allowed", "implicitDeny"]
    bounded = aws("iam", "simulate-custom-policy", "--policy-input-list", document(allow("s3:*")), "--permissions-boundary-policy-input-list", READ,
                  "--action-names", "s3:PutObject")["EvaluationResults"][0]
    assert bounded["EvalDecision"] == "implicitDeny" and bounded["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    assert aws("iam", "get-context-keys-for-principal-policy", "--policy-source-arn", arn)["ContextKeyNames"] == ["aws:sourceip", "aws:username"]
    assert aws("iam", "get-context-keys-for-custom-policy", "--policy-input-list", READ)["ContextKeyNames"] == []
    assert "NoSuchEntity" in aws("iam", "simulate-principal-policy", "--policy-source-arn", arn + "x", "--action-names", "s3:GetObject", status=255)


def test_enough_commands_ran(aws):
    assert len([c for c in aws.ran if c.split()[0] in ("iam", "sts")]) >= 70, sorted(aws.ran)
