# A Parley node as a container: see docker-compose.yml. Built by the launcher, on the Debian it is made for.
FROM debian:bookworm-slim AS build
COPY . /srv/parley
RUN /srv/parley/parley build

FROM debian:bookworm-slim
# Mosquitto, PostgreSQL (without a cluster of Debian's own), and the libraries that our programs were linked to.
RUN mkdir -p /etc/postgresql-common/createcluster.d \
 && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/parley.conf \
 && apt-get update \
 && apt-get install -y --no-install-recommends mosquitto postgresql procps curl libboost-json1.81.0 \
    libboost-url1.81.0 librocksdb7.8 libssl3 libicu72 libutf8proc2 libpaho-mqtt1.3 libpaho-mqttpp3-1 libpq5 libsodium23 \
    libspdlog1.10 libcurl4 libprometheus-cpp-core1.0 libprometheus-cpp-pull1.0 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /srv/parley/parley /srv/parley/
COPY --from=build /srv/parley/scripts /srv/parley/scripts
COPY --from=build /srv/parley/config /srv/parley/config
COPY --from=build /srv/parley/build/release/broker-plugin/libparley_plugin.so \
     /srv/parley/build/release/broker-plugin/parley-broker-check /srv/parley/built/broker-plugin/
COPY --from=build /srv/parley/build/release/bridge/parley-bridge /srv/parley/built/bridge/
COPY --from=build /srv/parley/build/release/clients/parleyctl/parleyctl /srv/parley/built/clients/parleyctl/
ENV PARLEY_BUILD_DIR=/srv/parley/built PARLEY_VAR=/data PARLEY_MQTT_BIND=0.0.0.0 PARLEY_HTTP_BIND=0.0.0.0
WORKDIR /srv/parley
VOLUME /data
EXPOSE 1883 8080
HEALTHCHECK --start-period=20s CMD ["./parley", "status"]
CMD ["./parley", "up", "--foreground"]
