"""nginx in front of a server as an administrator sets it up: TLS, HTTP/2, forwarded headers."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .service import Missing, Service, answers, free_ports

_CONF = """
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 512; }}
http {{
  access_log {dir}/access.log;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  client_max_body_size 0;
  upstream app {{ server 127.0.0.1:{app}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{http};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / {{ proxy_pass http://app; }}
  }}
  server {{
    listen 127.0.0.1:{https} ssl http2;
    ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header Connection "";
    location / {{ proxy_pass http://app; proxy_read_timeout 1h; }}
  }}
  server {{
    listen 127.0.0.1:{guide} ssl http2;
    ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
    location / {{
      proxy_pass http://127.0.0.1:{app};
      proxy_set_header Host $host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_read_timeout 86400;
    }}
  }}
  server {{
    listen 127.0.0.1:{one_line};
    location / {{ proxy_pass http://127.0.0.1:{app}; }}
  }}
}}
"""


class Nginx(Service):
    """`url` is the TLS side with all forwarded headers, `guide_url` with those of the guide.

    The careless set-ups have plain http and no forwarded header at all: `bare_url` sends `Host:
    app`; `one_line_url` is a lone `proxy_pass` and sends a loopback Host.
    """

    name = "nginx"
    account = "nobody"

    def __init__(self, app_port: int) -> None:
        super().__init__()
        self.app_port = app_port

    def start(self) -> None:
        """Write certificate and configuration, start, wait for the TLS port."""
        binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
        if binary is None:
            raise Missing("No nginx: `apt-get install nginx-light`, or `make services`.")
        key, certificate = self_signed("localhost")
        self.write("key.pem", key)
        self.certificate = self.write("cert.pem", certificate)
        http, https, guide, one_line = free_ports(4)
        self.url, self.bare_url = f"https://127.0.0.1:{https}", f"http://127.0.0.1:{http}"
        self.guide_url = f"https://127.0.0.1:{guide}"
        self.one_line_url = f"http://127.0.0.1:{one_line}"
        ports = {"http": http, "https": https, "guide": guide, "one_line": one_line}
        conf = _CONF.format(dir=self.folder, app=self.app_port, **ports)
        path: Path = self.write("nginx.conf", conf)
        # -e: without it nginx first tries /var/log/nginx/error.log, which only root may write
        self.spawn([binary, "-p", self.folder, "-c", path, "-e", self.folder / "error.log"])
        self.wait(lambda: answers(https))


def self_signed(name: str) -> tuple[bytes, bytes]:
    """Return a key and a certificate for `name` and 127.0.0.1, valid for three days, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
