# A Parley node as a container: see docker-compose.yml. Built by the launcher, on the Debian it is made for.
FROM debian:bookworm-slim AS build
COPY . /srv/parley
RUN /srv/parley/parley build

FROM debian:bookworm-slim
# Mosquitto, and the libraries that the plugin and parleyctl were linked to.
RUN apt-get update \
 && apt-get install -y --no-install-recommends mosquitto procps libboost-json1.81.0 librocksdb7.8 \
    libssl3 libutf8proc2 libpaho-mqtt1.3 libpaho-mqttpp3-1 libprometheus-cpp-core1.0 \
    libprometheus-cpp-pull1.0 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /srv/parley/parley /srv/parley/
COPY --from=build /srv/parley/scripts /srv/parley/scripts
COPY --from=build /srv/parley/config /srv/parley/config
COPY --from=build /srv/parley/build/release/broker-plugin/libparley_plugin.so /srv/parley/built/broker-plugin/
COPY --from=build /srv/parley/build/release/clients/parleyctl/parleyctl /srv/parley/built/clients/parleyctl/
ENV PARLEY_BUILD_DIR=/srv/parley/built PARLEY_VAR=/data PARLEY_MQTT_BIND=0.0.0.0
WORKDIR /srv/parley
VOLUME /data
EXPOSE 1883
HEALTHCHECK --start-period=10s CMD ["./parley", "status"]
CMD ["./parley", "up", "--foreground"]
