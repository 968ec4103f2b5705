#include <algorithm>

#include <string_view>

#include "pds/accounts/handle_policy.h"

namespace roost::pds {

namespace {

using namespace std::string_view_literals;

// Three groups in one list: words of the protocol and of its best known
// services; roles that people trust; names that host software, mail and certificates depend on.
constexpr std::string_view labels[] = {
    "about"sv, "abuse"sv, "access"sv, "account"sv, "accounts"sv, "acme"sv, "activate"sv, "admin"sv,
    "administration"sv, "administrator"sv, "admins"sv, "alert"sv, "alerts"sv, "alias"sv,
    "analytics"sv, "anonymous"sv, "api"sv, "apis"sv, "app"sv, "apps"sv, "appview"sv, "archive"sv,
    "asset"sv, "assets"sv, "atp"sv, "atproto"sv, "auth"sv, "authenticate"sv, "authentication"sv,
    "authorization"sv, "authorize"sv, "autoconfig"sv, "autodiscover"sv, "avatar"sv, "backup"sv,
    "bank"sv, "beta"sv, "billing"sv, "blob"sv, "blobs"sv, "blog"sv, "bluesky"sv, "bot"sv, "bots"sv,
    "broadcasthost"sv, "bsky"sv, "bug"sv, "bugs"sv, "business"sv, "cache"sv, "captcha"sv, "cdn"sv,
    "certificate"sv, "certificates"sv, "chat"sv, "checkout"sv, "client"sv, "clients"sv, "cluster"sv,
    "code"sv, "community"sv, "config"sv, "configuration"sv, "console"sv, "contact"sv, "contacts"sv,
    "copyright"sv, "crawler"sv, "dashboard"sv, "data"sv, "database"sv, "debug"sv, "default"sv,
    "delete"sv, "demo"sv, "dev"sv, "devel"sv, "developer"sv, "developers"sv, "did"sv, "discover"sv,
    "dmca"sv, "dns"sv, "dns1"sv, "dns2"sv, "doc"sv, "docs"sv, "documentation"sv, "domain"sv,
    "domains"sv, "download"sv, "downloads"sv, "email"sv, "emails"sv, "error"sv, "errors"sv,
    "example"sv, "explore"sv, "export"sv, "faq"sv, "feed"sv, "feeds"sv, "file"sv, "files"sv,
    "finger"sv, "firehose"sv, "forgot"sv, "forum"sv, "forums"sv, "ftp"sv, "gateway"sv, "git"sv,
    "graphql"sv, "grafana"sv, "guest"sv, "guests"sv, "handle"sv, "handles"sv, "health"sv, "help"sv,
    "helpdesk"sv, "home"sv, "host"sv, "hosting"sv, "hostmaster"sv, "http"sv, "https"sv, "identity"sv,
    "image"sv, "images"sv, "imap"sv, "img"sv, "impressum"sv, "inbox"sv, "index"sv, "info"sv,
    "internal"sv, "invite"sv, "invites"sv, "isatap"sv, "jetstream"sv, "jobs"sv, "json"sv,
    "labeler"sv, "legal"sv, "lex"sv, "lexicon"sv, "license"sv, "list"sv, "lists"sv, "load"sv,
    "localdomain"sv, "localhost"sv, "log"sv, "login"sv, "logout"sv, "logs"sv, "mail"sv, "mailer"sv,
    "mailerdaemon"sv, "manage"sv, "manager"sv, "marketing"sv, "media"sv, "message"sv, "messages"sv,
    "metrics"sv, "mobile"sv, "mod"sv, "moderation"sv, "moderator"sv, "moderators"sv, "mods"sv,
    "monitor"sv, "mta-sts"sv, "mysql"sv, "nameserver"sv, "network"sv, "news"sv, "newsletter"sv,
    "nobody"sv, "node"sv, "noc"sv, "noreply"sv, "no-reply"sv, "notification"sv, "notifications"sv,
    "ns1"sv, "ns2"sv, "ns3"sv, "ns4"sv, "nsid"sv, "null"sv, "oauth"sv, "official"sv, "openid"sv,
    "operator"sv, "ops"sv, "owner"sv, "ozone"sv, "password"sv, "passwords"sv, "payment"sv,
    "payments"sv, "pds"sv, "phishing"sv, "photo"sv, "photos"sv, "plc"sv, "policy"sv, "pop"sv,
    "pop3"sv, "popular"sv, "portal"sv, "post"sv, "postgres"sv, "postmaster"sv, "posts"sv, "press"sv,
    "preview"sv, "privacy"sv, "private"sv, "profile"sv, "profiles"sv, "proxy"sv, "public"sv,
    "recovery"sv, "register"sv, "registration"sv, "relay"sv, "repo"sv, "report"sv, "reports"sv,
    "reset"sv, "robots"sv, "roost"sv, "root"sv, "rss"sv, "sales"sv, "sandbox"sv, "search"sv,
    "secure"sv, "security"sv, "server"sv, "servers"sv, "service"sv, "services"sv, "session"sv,
    "sessions"sv, "setting"sv, "settings"sv, "setup"sv, "share"sv, "shop"sv, "signin"sv,
    "signout"sv, "signup"sv, "site"sv, "sitemap"sv, "smtp"sv, "ssl"sv, "ssladmin"sv,
    "ssladministrator"sv, "sslwebmaster"sv, "staff"sv, "staging"sv, "static"sv, "stats"sv,
    "status"sv, "store"sv, "support"sv, "sysadmin"sv, "sysadministrator"sv, "system"sv, "team"sv,
    "terms"sv, "test"sv, "testing"sv, "tid"sv, "tls"sv, "tos"sv, "token"sv, "tokens"sv, "trust"sv,
    "undefined"sv, "unsubscribe"sv, "update"sv, "updates"sv, "upload"sv, "uploads"sv, "usenet"sv,
    "user"sv, "username"sv, "users"sv, "uucp"sv, "verify"sv, "video"sv, "videos"sv, "web"sv,
    "webadmin"sv, "webmail"sv, "webmaster"sv, "website"sv, "well-known"sv, "whois"sv, "wpad"sv,
    "www"sv, "www1"sv, "www2"sv, "xrpc"sv,
};

}  // namespace

bool is_reserved_label(std::string_view label) {
    return std::ranges::find(labels, label) != std::end(labels);
}

}  // namespace roost::pds
