"""AssumeRoleWithCertificate: sessions for who shows a certificate, over TLS with certificates made by openssl."""

import datetime
import http.client
import json
import ssl
import subprocess
import urllib.parse
import xml.etree.ElementTree as ET

import boto3
import botocore.exceptions
import pytest
from martlet_server import ACCESS_KEY, SECRET_KEY, Server

STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"


class Authority:
    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.openssl("req", "-x509", *self.key("ca"), "-out", "ca.crt", "-days", 2, "-subj", "/CN=staff")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=self.directory)

    def key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"]

    def issue(self, file, subject, usage="clientAuth", days=2):
        """(certificate, key): paths."""
        self.openssl("req", *self.key(file), "-out", f"{file}.csr", "-subj", subject)
        (self.directory / "extensions").write_text(f"extendedKeyUsage={usage}\n" if usage else "basicConstraints=CA:FALSE\n")
        self.openssl("x509", "-req", "-in", f"{file}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", days,
                     "-extfile", "extensions", "-out", f"{file}.crt")
        return self.directory / f"{file}.crt", self.directory / f"{file}.key"


@pytest.fixture(scope="module")
def staff(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority") / "staff")


@pytest.fixture(scope="module")
def server(tmp_path_factory, staff):
    server = Server(tmp_path_factory.mktemp("certificate"), drives=1, tls=True, environment={
        "MARTLET_TLS_CLIENT_CA": str(staff.directory / "ca.crt"), "MARTLET_TLS_CLIENT_AUTH": "optional", "MARTLET_STS_CERTIFICATE": "on"})
    yield server.start()
    assert server.stop() == 0, server.log()


def exchange(server, pair=None, **parameters):
    """(status, document) of the call, with everything in the query as MinIO's clients send it."""
    context = server.trust()
    if pair:
        context.load_cert_chain(*map(str, pair))
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30, context=context)
    query = "&".join(f"{name}={value}" for name, value in {"Action": "AssumeRoleWithCertificate", "Version": "2011-06-15", **parameters}.items())
    try:
        connection.request("POST", "/?" + query)
        response = connection.getresponse()
        return response.status, ET.fromstring(response.read())
    finally:
        connection.close()


def code(document):
    return document.findtext(f".//{STS}Code")


def session(server, pair, **parameters):
    status, document = exchange(server, pair, **parameters)
    assert status == 200, ET.tostring(document)
    assert document.tag == STS + "AssumeRoleWithCertificateResponse"
    found = document.find(f"{STS}AssumeRoleWithCertificateResult/{STS}Credentials")
    return {part.tag.removeprefix(STS): part.text for part in found}


def client(server, credentials):
    return server.client(access_key=credentials["AccessKeyId"], secret_key=credentials["SecretAccessKey"],
                         aws_session_token=credentials["SessionToken"])


def seconds_left(credentials):
    end = datetime.datetime.fromisoformat(credentials["Expiration"].replace("Z", "+00:00"))
    return (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def test_the_common_name_names_the_policy(server, staff):
    credentials = session(server, staff.issue("reader", "/CN=readonly"), DurationSeconds=900)
    assert 600 < seconds_left(credentials) <= 900
    server.client().create_bucket(Bucket="certificates")
    server.client().put_object(Bucket="certificates", Key="a", Body=b"x")
    s3 = client(server, credentials)
    assert s3.get_object(Bucket="certificates", Key="a")["Body"].read() == b"x"
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        s3.put_object(Bucket="certificates", Key="b", Body=b"y")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_a_session_policy_bounds_the_session(server, staff):
    pair = staff.issue("writer", "/CN=readwrite")
    policy = {"Statement": [{"Effect": "Allow", "Action": "s3:CreateBucket", "Resource": "*"}]}
    s3 = client(server, session(server, pair, Policy=urllib.parse.quote(json.dumps({"Version": "2012-10-17", **policy}))))
    s3.create_bucket(Bucket="made-by-certificate")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        s3.put_object(Bucket="made-by-certificate", Key="b", Body=b"y")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_a_session_never_outlives_its_certificate(server, staff):
    pair = staff.issue("short", "/CN=readonly", days=1)
    assert 80_000 < seconds_left(session(server, pair, DurationSeconds=604_800)) <= 86_400
    assert 3000 < seconds_left(session(server, pair)) <= 3600


@pytest.mark.parametrize("seconds", [899, 604_801, "soon"])
def test_durations_have_limits(server, staff, seconds):
    status, document = exchange(server, staff.issue("reader", "/CN=readonly"), DurationSeconds=seconds)
    assert status == 400 and code(document) in ("ValidationError", "InvalidParameterValue")


def test_a_name_without_a_policy_gets_nothing(server, staff):
    status, document = exchange(server, staff.issue("nobody", "/CN=nobody"))
    assert (status, code(document)) == (403, "AccessDenied")


@pytest.mark.parametrize("subject,usage", [("/CN=readonly", None), ("/CN=readonly/CN=readwrite", "clientAuth"), ("/O=readonly", "clientAuth")])
def test_certificates_that_do_not_say_who_for_what(server, staff, subject, usage):
    status, document = exchange(server, staff.issue("odd", subject, usage))
    assert (status, code(document)) == (400, "InvalidClientCertificate")


def test_no_certificate(server):
    status, document = exchange(server)
    assert (status, code(document)) == (400, "MissingParameter")


def test_without_tls_it_is_refused(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/?Action=AssumeRoleWithCertificate&Version=2011-06-15")
    assert connection.getresponse().status == 400
    connection.close()


def test_certificates_that_tls_refuses(server, staff, tmp_path):
    strangers = Authority(tmp_path / "strangers")
    for pair in (strangers.issue("reader", "/CN=readonly"), staff.issue("server", "/CN=readonly", "serverAuth"),
                 staff.issue("expired", "/CN=readonly", days=-1)):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            exchange(server, pair)
            raise AssertionError("let in")


def test_it_is_off_unless_it_is_switched_on(tmp_path, staff):
    server = Server(tmp_path, drives=1, tls=True, environment={"MARTLET_TLS_CLIENT_CA": str(staff.directory / "ca.crt")}).start()
    try:
        status, document = exchange(server, staff.issue("reader", "/CN=readonly"))
        assert (status, code(document)) == (503, "STSNotInitialized")
    finally:
        assert server.stop() == 0, server.log()


def iam_client(server):
    return boto3.client("iam", endpoint_url=server.endpoint, region_name="us-east-1", verify=server.authority,
                        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)


def test_policies_know_the_common_name(server, staff):
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::homes/${certificate:cn}/*"}}
    iam_client(server).create_policy(PolicyName="team", PolicyDocument=json.dumps(policy))
    server.client().create_bucket(Bucket="homes")
    s3 = client(server, session(server, staff.issue("team", "/CN=team")))
    s3.put_object(Bucket="homes", Key="team/a", Body=b"x")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        s3.put_object(Bucket="homes", Key="others/a", Body=b"x")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_a_role_trusts_a_certificate(server, staff):
    trust = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Federated": "certificate"},
                                                    "Action": "sts:AssumeRoleWithCertificate",
                                                    "Condition": {"StringEquals": {"certificate:cn": "backup"}}}}
    iam = iam_client(server)
    for name in ("backup", "distrustful"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/readwrite")
    assert "Buckets" in client(server, session(server, staff.issue("backup", "/CN=backup"))).list_buckets()
    status, document = exchange(server, staff.issue("distrustful", "/CN=distrustful"))
    assert (status, code(document)) == (403, "AccessDenied")
