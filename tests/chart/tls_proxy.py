"""Ends TLS with a certificate and passes on what comes: CERTIFICATE KEY HOST:PORT.

Prints the port of 127.0.0.1 that it listens on."""

import socket
import ssl
import sys
import threading

certificate, key, behind = sys.argv[1:]
host, port = behind.rsplit(":", 1)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client):
    try:
        client = context.wrap_socket(client, server_side=True)
    except OSError:  # who does not trust us leaves here
        return
    server = socket.create_connection((host, int(port)))
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
    pump(client, server)


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
