// Command connect runs the example of deploy/connect for Redpanda Connect on sample feeds, and prints what it would write to Kafka. The
// first sample comes twice, and after all of them the source is broken.
//
// The pipeline is read and linted by Benthos, the engine of Redpanda Connect. Two parts that Redpanda Connect adds to the engine stand
// in here: `kafka_franz`, which prints, and `parse_xml`, by the rules that its documentation states.
package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redpanda-data/benthos/v4/public/bloblang"
	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
)

// element turns an element into what parse_xml makes of it.
func element(decoder *xml.Decoder, start xml.StartElement) (any, error) {
	children := map[string]any{}
	for _, attribute := range start.Attr {
		children["-"+attribute.Name.Local] = attribute.Value
	}
	text := strings.Builder{}
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			child, err := element(decoder, token)
			if err != nil {
				return nil, err
			}
			name := token.Name.Local
			switch before := children[name].(type) {
			case nil:
				children[name] = child
			case []any:
				children[name] = append(before, child)
			default:
				children[name] = []any{before, child}
			}
		case xml.EndElement:
			trimmed := strings.TrimSpace(text.String())
			if len(children) == 0 {
				return trimmed, nil
			}
			if trimmed != "" {
				children["#text"] = trimmed
			}
			return children, nil
		}
	}
}

func parseXML(text string) (any, error) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok {
			root, err := element(decoder, start)
			return map[string]any{start.Name.Local: root}, err
		}
	}
}

// printed is an output that prints key and value behind the word `record`: the engine's log is on the same stream.
type printed struct {
	key  *service.InterpolatedString
	lock *sync.Mutex
}

func (p printed) Connect(context.Context) error { return nil }
func (p printed) Close(context.Context) error   { return nil }
func (p printed) Write(_ context.Context, message *service.Message) error {
	p.lock.Lock()
	defer p.lock.Unlock()
	if err := message.GetError(); err != nil {
		fmt.Printf("record\terror\t%v\n", err)
		return nil
	}
	key, err := p.key.TryString(message)
	if err != nil {
		return err
	}
	value, err := message.AsBytes()
	if err != nil {
		return err
	}
	fmt.Printf("record\t%s\t%s\n", key, bytes.TrimSpace(value))
	return nil
}

func register() error {
	if err := bloblang.RegisterMethodV2("parse_xml", bloblang.NewPluginSpec(),
		func(*bloblang.ParsedParams) (bloblang.Method, error) {
			return bloblang.StringMethod(func(text string) (any, error) { return parseXML(text) }), nil
		}); err != nil {
		return err
	}
	fields := service.NewConfigSpec().
		Field(service.NewStringListField("seed_brokers")).
		Field(service.NewInterpolatedStringField("topic")).
		Field(service.NewInterpolatedStringField("key")).
		Field(service.NewBoolField("idempotent_write"))
	return service.RegisterOutput("kafka_franz", fields,
		func(config *service.ParsedConfig, _ *service.Resources) (service.Output, int, error) {
			key, err := config.FieldInterpolatedString("key")
			return printed{key, &sync.Mutex{}}, 1, err
		})
}

func run(config string, feeds []string) error {
	text, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	samples := [][]byte{}
	for _, feed := range append(feeds[:1:1], feeds...) {
		sample, err := os.ReadFile(feed)
		if err != nil {
			return err
		}
		samples = append(samples, sample)
	}
	if err := register(); err != nil {
		return err
	}
	asked := atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(to http.ResponseWriter, _ *http.Request) {
		nth := int(asked.Add(1)) - 1
		if nth >= len(samples) {
			http.Error(to, "broken", http.StatusNotFound)
			return
		}
		_, _ = io.Copy(to, bytes.NewReader(samples[nth]))
	}))
	defer server.Close()
	const url, often = "https://news.example.org/rss.xml", "interval: 60s"
	times := fmt.Sprintf("interval: 1ms\n    count: %d", len(samples)+1)
	for _, there := range []string{url, often} {
		if !strings.Contains(string(text), there) {
			return fmt.Errorf("%s: no %q", config, there)
		}
	}
	yaml := strings.NewReplacer(url, server.URL, often, times).Replace(string(text))
	builder := service.NewStreamBuilder()
	if err := builder.SetYAML(yaml); err != nil {
		return err
	}
	stream, err := builder.Build()
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return stream.Run(within)
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: connect CONFIG FEED...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
