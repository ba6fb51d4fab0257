package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client is one caller of a server, with a token of its own, or none.
type Client struct {
	Server *Server
	Token  string
	HTTP   *http.Client

	RequestID string // that requests are sent under; empty: the server gives each its own
}

// NewHTTP makes what clients of a server share: as many kept connections as there are callers at once.
func NewHTTP(connections int) *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			MaxIdleConns: connections, MaxIdleConnsPerHost: connections, IdleConnTimeout: time.Minute, DisableCompression: true,
		},
	}
}

// ErrUnanswered says that nobody knows whether a request was carried out.
var ErrUnanswered = errors.New("unanswered")

// TopError is an error of a whole request, or one that a change of the set-up was answered.
type TopError struct{ Code, Message string }

func (e *TopError) Error() string { return e.Code + ": " + e.Message }

type reply struct {
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	}
}

const longestReply = 4 << 20

// Ask posts a document and reads data from the answer. It fails with ErrUnanswered or a TopError.
func (c Client) Ask(ctx context.Context, document string, variables, data any) error {
	status, text, err := c.Post(ctx, document, variables)
	if err != nil {
		return err
	}
	if err := Read(text, data); err != nil {
		return fmt.Errorf("status %d: %w", status, err)
	}
	return nil
}

// Read reads data from an answer. It fails with a TopError.
func Read(text []byte, data any) error {
	var r reply
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("no JSON: %.200s", text)
	}
	if len(r.Errors) > 0 {
		return &TopError{Code: r.Errors[0].Extensions.Code, Message: r.Errors[0].Message}
	}
	return json.Unmarshal(r.Data, data)
}

// Post posts a document and answers what comes, for those who measure how fast. It fails with ErrUnanswered.
// Without a token the caller is anonymous.
func (c Client) Post(ctx context.Context, document string, variables any) (status int, text []byte, err error) {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return 0, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Server.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.RequestID != "" {
		request.Header.Set("X-Request-Id", c.RequestID)
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnanswered, err)
	}
	defer response.Body.Close()
	var read bytes.Buffer
	read.Grow(int(min(max(response.ContentLength, 0), longestReply)) + bytes.MinRead)
	if _, err = read.ReadFrom(io.LimitReader(response.Body, longestReply)); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnanswered, err)
	}
	return response.StatusCode, read.Bytes(), nil
}
