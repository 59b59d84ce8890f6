# Builds dashtam from source; the templates, the stylesheet and the font are committed, so Go is all it takes.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /dashtam ./cmd/dashtam

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates tzdata && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data dashtam && install -d -o dashtam -g dashtam -m 0700 /data
COPY --from=build /dashtam /usr/local/bin/dashtam
USER dashtam
# The key file lives here: copy it somewhere safe, apart from the database's backups.
VOLUME /data
ENV DASHTAM_DATA_DIR=/data DASHTAM_ADDR=0.0.0.0:8080 DASHTAM_BASE_URL=http://localhost:8080 DASHTAM_ADMIN_ADDR=off
EXPOSE 8080 8081
ENTRYPOINT ["dashtam"]
CMD ["serve"]
