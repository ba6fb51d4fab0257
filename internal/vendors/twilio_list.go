package vendors

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// twilioPage is a page of messages, newest first: "Messages resource", Read, and "Twilio API responses" in Twilio's docs. The addresses are
// relative to the API's.
type twilioPage struct {
	FirstPageURI    string          `json:"first_page_uri"`
	End             int             `json:"end"`
	PreviousPageURI *string         `json:"previous_page_uri"`
	Messages        []twilioMessage `json:"messages"`
	URI             string          `json:"uri"`
	PageSize        int             `json:"page_size"`
	Start           int             `json:"start"`
	NextPageURI     *string         `json:"next_page_uri"`
	Page            int             `json:"page"`
}

// twilioList lists messages by To, From and DateSent, with its two inequalities, in pages of 50 or PageSize, at most 1,000. A message that
// was not sent yet counts by when it was made.
func (v *Vendors) twilioList(w http.ResponseWriter, r *http.Request) {
	x := &exchange{Vendors: v, service: v.services[Twilio], w: w, r: r, arrived: v.now()}
	x.service.note(func(s *Stats) { s.Finds++ })
	if !x.twilioKnows() {
		return
	}
	q := r.URL.Query()
	if !x.suffer(OnFind, q.Get("To")) || !x.accepted() {
		return
	}
	size, page, ok := pageOf(q)
	fits, okay := fitting(q)
	if !ok || !okay {
		x.twilioRefuses(http.StatusBadRequest, 20001)
		return
	}
	found := v.ledger.newest(q.Get("To"), size+1, fits)
	x.json(http.StatusOK, v.twilioPage(q, found, size, page))
}

func pageOf(q url.Values) (size, page int, ok bool) {
	size, page = 50, 0
	var errSize, errPage error
	if q.Has("PageSize") {
		size, errSize = strconv.Atoi(q.Get("PageSize"))
	}
	if q.Has("Page") {
		page, errPage = strconv.Atoi(q.Get("Page"))
	}
	// A page after the first is named by a token, which only this server makes.
	return min(size, 1000), page, errSize == nil && errPage == nil && size > 0 && page >= 0 && (page == 0 || q.Get("PageToken") != "")
}

// fitting reads what messages are asked for. A token is the number of the last message of the page before.
func fitting(q url.Values) (fits func(*Message) bool, ok bool) {
	on, after, before := q.Get("DateSent"), q.Get("DateSent>"), q.Get("DateSent<")
	onFrom, onTo, ok1 := span(on)
	from, _, ok2 := span(after)
	_, to, ok3 := span(before)
	last, ok4 := int64(0), true
	if token, has := strings.CutPrefix(q.Get("PageToken"), "PASM"); has {
		n, err := strconv.ParseInt(token, 16, 64)
		last, ok4 = n, err == nil
	} else if q.Get("PageToken") != "" {
		ok4 = false
	}
	sender := q.Get("From")
	return func(m *Message) bool {
		at := m.Accepted
		if m.SentAt != nil {
			at = *m.SentAt
		}
		return m.Vendor == Twilio && (sender == "" || m.From == sender) && (last == 0 || m.Number < last) &&
			(on == "" || !at.Before(onFrom) && at.Before(onTo)) && (after == "" || !at.Before(from)) && (before == "" || at.Before(to))
	}, ok1 && ok2 && ok3 && ok4
}

// span is a day in UTC, or the second of an instant, from its start to its end.
func span(text string) (start, end time.Time, ok bool) {
	if text == "" {
		return start, end, true
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, day.Add(24 * time.Hour), true
	}
	instant, err := time.Parse(time.RFC3339, text)
	return instant, instant.Add(time.Second), err == nil
}

func (v *Vendors) twilioPage(q url.Values, found []Message, size, page int) twilioPage {
	base := v.twilioPath("/Messages.json")
	at := func(page int, token string) string {
		to := url.Values{}
		for name, values := range q {
			to[name] = values
		}
		to.Set("PageSize", strconv.Itoa(size))
		to.Set("Page", strconv.Itoa(page))
		to.Del("PageToken")
		if token != "" {
			to.Set("PageToken", token)
		}
		return base + "?" + to.Encode()
	}
	p := twilioPage{FirstPageURI: at(0, ""), URI: at(page, q.Get("PageToken")), PageSize: size, Page: page, Start: page * size, Messages: []twilioMessage{}}
	if len(found) > size {
		found = found[:size]
		p.NextPageURI = filled(at(page+1, "PASM"+strconv.FormatInt(found[size-1].Number, 16)))
	}
	for _, m := range found {
		p.Messages = append(p.Messages, v.twilioMessage(m))
	}
	p.End = p.Start + max(len(found)-1, 0)
	return p
}
