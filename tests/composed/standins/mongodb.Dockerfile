# A database for `make compose` where no registry can be reached: the embedded one of `make up`, at the port, in
# the folder and with the two commands of mongo's image. It is not MongoDB, and the report says so.
ARG BASE
FROM ${BASE}
COPY embedded.txt /build/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.pem \
    python3 -m venv /opt/database \
    && /opt/database/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes \
       --only-binary=:all: --requirement /build/embedded.txt
COPY mongod mongosh /usr/local/bin/
RUN chmod +x /usr/local/bin/mongod /usr/local/bin/mongosh \
    && useradd --uid 999 mongodb && mkdir -p /data/db && chown mongodb /data/db
USER mongodb
VOLUME ["/data/db"]
EXPOSE 27017
ENTRYPOINT ["mongod"]
