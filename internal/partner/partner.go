// Package partner is a room: the systems that call the API for themselves, by OAuth 2.0 client credentials or by an API key.
package partner
