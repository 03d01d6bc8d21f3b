namespace AgentLightning.Traces.Otlp;

/// <summary>
/// What one request brought, not yet redacted: the spans, their JSON one after another in one buffer, and what was refused.
/// </summary>
internal sealed class OtlpBatch : IDisposable
{
    /// <summary>Values in values: deeper than this is nothing that a program wrote.</summary>
    public const int DeepestValue = 32;

    /// <summary>JSON is a little longer than protobuf.</summary>
    private const int RoomOfNames = 4;

    public OtlpBatch(int size) => Json = new BodyWriter(size + (size / RoomOfNames));

    public BodyWriter Json { get; }

    public List<SpanDraft> Spans { get; } = [];

    /// <summary>Spans that cannot be kept, with why.</summary>
    public List<(Sender Sender, string Reason)> Refused { get; } = [];

    /// <summary>Log records that have nothing to do with agents: they are none of ours.</summary>
    public Dictionary<(string Service, string Scope), int> Ignored { get; } = [];

    /// <summary>Where the JSON that is written next begins.</summary>
    public int Begin() => Json.Count;

    /// <summary>Ends the JSON that began at <paramref name="start"/>.</summary>
    public ReadOnlySpan<byte> EndAt(int start)
    {
        Json.Reset();
        return Json.Written[start..];
    }

    public ReadOnlySpan<byte> BodyOf(SpanDraft span) => Json.Written.Slice(span.BodyStart, span.BodyLength);

    /// <summary>Takes a span in whose JSON has been written, or notes why it cannot be kept.</summary>
    public void Add(SpanDraft span)
    {
        span.BodyLength = EndAt(span.BodyStart).Length;
        if (span.Form == SpanForm.Log && (span.Marks & (SpanMarks.GenAi | SpanMarks.OpenInference | SpanMarks.Lightning)) == 0)
        {
            var sender = (span.Sender.Service, span.Sender.Scope);
            Ignored[sender] = Ignored.GetValueOrDefault(sender) + 1;
            return;
        }

        span.Place();
        if (span.Refusal() is { } reason)
        {
            Refused.Add((span.Sender, reason));
            return;
        }

        if (
            (span.Marks & (SpanMarks.Inference | SpanMarks.Tool)) == 0
            && (span.Marks & SpanMarks.Model) != 0
            && (span.Marks & (SpanMarks.Usage | SpanMarks.Content)) != 0
            && span is { Form: SpanForm.Span, NamesOperation: false }
        )
        {
            // Older instrumentations name no operation.
            span.Marks |= SpanMarks.Inference;
        }

        Spans.Add(span);
    }

    /// <summary>Notes a span that could not be read to its end.</summary>
    public void Refuse(SpanDraft span, string reason)
    {
        EndAt(span.BodyStart);
        Refused.Add((span.Sender, reason));
    }

    public void Dispose() => Json.Dispose();
}
