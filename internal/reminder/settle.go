package reminder

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/mediconnect/mediconnect/internal/access"
)

// settledAtOnce is how many messages of a channel are settled at the same time: a question takes a place among the letters in flight, and most of
// those are for letters.
const settledAtOnce = 4

// Settle finds out what became of messages that may have been sent, at most limit of each channel: whoever had them is gone, or has no answer.
// The vendor is asked; one that can't be asked reports by itself, or nobody knows. No channel waits for another one's vendor, nor is kept by
// another one's failure. It answers how many it looked at of the channel that had the most.
func (s *Service) Settle(ctx context.Context, limit int) (int, error) {
	looked, failed := make([]int, len(SentBy)), make([]error, len(SentBy))
	var channels sync.WaitGroup
	for i, c := range SentBy {
		channels.Go(func() { looked[i], failed[i] = s.settleAll(ctx, c, limit) })
	}
	channels.Wait()
	return slices.Max(looked), errors.Join(failed...)
}

// settleAll settles messages of one channel, a few at once.
func (s *Service) settleAll(ctx context.Context, c ChannelKind, limit int) (int, error) {
	lost, err := s.store.Lost(ctx, c, s.now(), limit)
	if err != nil {
		return 0, err
	}
	line, failed := make(chan int), make([]error, len(lost))
	var asking sync.WaitGroup
	for range min(settledAtOnce, len(lost)) {
		asking.Go(func() {
			for i := range line {
				if ctx.Err() == nil {
					failed[i] = s.settle(ctx, lost[i])
				}
			}
		})
	}
	for i := range lost {
		line <- i
	}
	close(line)
	asking.Wait()
	return len(lost), errors.Join(failed...)
}

func (s *Service) settle(ctx context.Context, lost Message) error {
	m, to, ok, err := s.store.Reclaim(ctx, lost, s.now().Add(s.how.Ask)) // whoever asks may be gone, too, and asking twice does no harm
	if err != nil || !ok {
		return err
	}
	c, found := s.find(ctx, m, to)
	if found != nil {
		news, err := s.Report(ctx, *found)
		if err != nil || news {
			return err
		}
		c = s.how.mute(m, s.now()) // it tells of an earlier try
	}
	_, err = s.concluded(ctx, m, c)
	return err
}

// find asks the vendor. It answers the vendor's report, or a conclusion.
func (s *Service) find(ctx context.Context, m Message, to access.Private) (Conclusion, *Report) {
	channel, ok := s.channels[m.Channel]
	if !ok {
		return s.how.mute(m, s.now()), nil
	}
	f, err := channel.Find(ctx, Sought{Message: m.Ref(), To: to, Reference: m.Reference, Since: since(m)})
	switch {
	case err != nil:
		return s.how.mute(m, s.now()), nil
	case !f.Found:
		return s.how.absent(m, s.now()), nil
	}
	return Conclusion{}, &f.Report
}

// Report keeps what a vendor tells of a message, and says whether that was news.
func (s *Service) Report(ctx context.Context, r Report) (bool, error) {
	return s.report(ctx, []Report{r})
}

// Reports keeps what a vendor tells of messages of one channel, in its order. It fails if one of them can't be kept, and the others are all the same.
func (s *Service) Reports(ctx context.Context, reports []Report) error {
	_, err := s.report(ctx, reports)
	return err
}

func (s *Service) report(ctx context.Context, reports []Report) (news bool, err error) {
	dated := slices.Clone(reports)
	for i := range dated {
		if dated[i].At.IsZero() {
			dated[i].At = s.now()
		}
	}
	changed, err := s.store.Tell(ctx, dated, s.how.pause(1))
	for _, m := range changed {
		if m.State == Failed {
			s.lost(ctx, m, Failed, m.Cause)
		}
	}
	return len(changed) > 0, err
}
