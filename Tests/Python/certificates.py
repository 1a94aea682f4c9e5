"""Certificates and JSON Web Tokens made with the openssl program: a second opinion on what the server's libraries take."""
import base64
import json
import subprocess


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=stdin, check=True, capture_output=True).stdout


class Authority:
    """A certificate authority in a directory: NAME.pem and NAME.key of each certificate it makes."""

    def __init__(self, directory, name):
        directory.mkdir(exist_ok=True)
        self.directory, self.name = directory, name
        self.certificate = directory / f"{name}.pem"
        self.key = directory / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out", self.certificate,
                "-days", "30", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")

    def issue(self, name, common_name, alternative_names="", expired=False, prefix=None):
        """(certificate, key)."""
        certificate, key = (self.directory / f"{prefix or name}.{kind}" for kind in ("pem", "key"))
        request = openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", f"/CN={common_name}")
        extensions = self.directory / f"{name}.ext"
        extensions.write_text((f"subjectAltName={alternative_names}\n" if alternative_names else "") + "basicConstraints=CA:FALSE\n")
        # `x509 -req` has no way to say a beginning; `-days -1` ends yesterday.
        openssl("x509", "-req", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-out", certificate, "-days", "-1" if expired else "30",
                "-extfile", extensions, stdin=request)
        return certificate, key


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A key of an issuer of JWTs."""

    def __init__(self, directory, kind, kid):
        directory.mkdir(exist_ok=True)
        self.kind, self.kid, self.key = kind, kid, directory / f"{kid}.key"
        if kind == "RS256":
            openssl("genrsa", "-out", self.key, "2048")
            modulus = openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().removeprefix("Modulus=")
            self.jwk = {"kty": "RSA", "n": base64url(bytes.fromhex(modulus)), "e": "AQAB"}
        elif kind == "ES256":
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
            point = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-64:]
            self.jwk = {"kty": "EC", "crv": "P-256", "x": base64url(point[:32]), "y": base64url(point[32:])}
        else:
            openssl("genpkey", "-algorithm", "ed25519", "-out", self.key)
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url(openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-32:])}
        self.jwk |= {"kid": kid, "use": "sig", "alg": kind}

    def sign(self, claims, header=None):
        head = {"alg": self.kind, "typ": "JWT", "kid": self.kid} | (header or {})
        text = ".".join(base64url(json.dumps(part).encode()) for part in ({k: v for k, v in head.items() if v is not None}, claims))
        if self.kind == "EdDSA":
            message = self.key.with_suffix(".message")
            message.write_bytes(text.encode())
            signature = openssl("pkeyutl", "-sign", "-inkey", self.key, "-rawin", "-in", message)
        else:
            signature = openssl("dgst", "-sha256", "-sign", self.key, stdin=text.encode())
            if self.kind == "ES256":
                signature = raw(signature)
        return f"{text}.{base64url(signature)}"


def raw(signature):
    """Two integers in DER, as 32 bytes each."""
    numbers, at = [], 2
    for _ in range(2):
        length = signature[at + 1]
        numbers.append(signature[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + length
    return b"".join(numbers)
