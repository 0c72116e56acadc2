# Apache Kafka for `make compose` where no registry can be reached: the broker's own jars on Debian's Java. What
# apache/kafka is told by variables this is told too, and the broker's own class reads them.
ARG BASE
FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/*
COPY jars /opt/kafka/libs
COPY kafka-run /etc/kafka/docker/run
COPY log4j2.yaml /etc/kafka/docker/log4j2.yaml
RUN useradd --uid 1000 appuser \
    && mkdir -p /opt/kafka/config /mnt/shared/config /var/lib/kafka/data \
    && chown -R appuser /opt/kafka/config /mnt/shared/config /var/lib/kafka
USER appuser
VOLUME ["/mnt/shared/config", "/var/lib/kafka/data"]
EXPOSE 9092
CMD ["bash", "/etc/kafka/docker/run"]
