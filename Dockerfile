# Built from a checkout: docker build -t tunnelite .
FROM node:24-slim AS build
WORKDIR /build
# The repository's own copy of Node.js is for development; the image has its own.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/copy-page.ts ./scripts/copy-page.ts
COPY src ./src
RUN npm run -s build \
 && npm prune --omit=dev --no-audit --no-fund

FROM node:24-slim
LABEL org.opencontainers.image.title="tunnelite" \
      org.opencontainers.image.description="A local Microsoft Tunnel Gateway for development, CI and load tests" \
      org.opencontainers.image.licenses="MIT"
# Compiled code, for the health checks above all: nobody but this program writes to a container's /tmp, and its home may be read-only.
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/compiled \
    TUNNELITE_CERTS_DIRECTORY=/data/certs \
    TUNNELITE_GATEWAY_HOST=0.0.0.0 \
    TUNNELITE_IDENTITY_HOST=0.0.0.0 \
    TUNNELITE_ADMIN_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY LICENSE README.md ./
# The certificate authority is made in /data at the first start: no key is part of the image.
RUN ln -s /app/dist/cli/main.js /usr/local/bin/tunnelite \
 && chmod 755 /app/dist/cli/main.js \
 && mkdir -p /data && chown node:node /data
USER node
WORKDIR /data
VOLUME /data
EXPOSE 8443/tcp 8443/udp 8444/tcp 8445/tcp
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s --retries=3 CMD ["tunnelite", "healthcheck"]
ENTRYPOINT ["tunnelite"]
CMD ["start"]
