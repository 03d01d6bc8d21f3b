using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>
/// All dialects that are read, in the order in which they are asked: the first that tells something counts, for each side of a call by
/// itself. A new one is a file beside these and a line here.
/// </summary>
internal static class TraceDialects
{
    public static IReadOnlyList<ITraceDialect> All { get; } =
    [
        new Langfuse(),
        new LangSmith(),
        new VercelAiSdk(),
        new GenAi(),
        new PydanticAi(),
        new GenAiEvents(),
        new Strands(),
        new GoogleAdk(),
        new OpenLlmetry(),
        new OpenInference(),
        new Genkit(),
        new MlFlow(),
    ];

    public static SpanRole RoleOf(SpanView span)
    {
        foreach (var dialect in All)
        {
            if (dialect.RoleOf(span) is { } role)
            {
                return role;
            }
        }

        return span.Record.Marks.HasFlag(SpanMarks.Inference) || GenAiEvents.IsCall(span) ? SpanRole.Inference : SpanRole.Other;
    }

    /// <summary>What a span tells that went in and came out, with the dialects that told it.</summary>
    public static SpanMessages MessagesOf(SpanView span)
    {
        var (input, output) = (MessageSide.Empty, MessageSide.Empty);
        var told = new List<ITraceDialect>(1);
        foreach (var dialect in All)
        {
            Take(dialect, ref input, dialect.InputOf);
            Take(dialect, ref output, dialect.OutputOf);
        }

        return new SpanMessages(input, output, told);

        void Take(ITraceDialect dialect, ref MessageSide side, Func<SpanView, MessageSide> read)
        {
            // Instructions alone are no conversation: another name may hold it. And JSON that nobody understands waits for one who does.
            if ((side.IsEmpty || side.IsRaw) && read(span) is { HasTalk: true } found && (side.IsEmpty || !found.IsRaw))
            {
                side = found;
                if (!told.Contains(dialect))
                {
                    told.Add(dialect);
                }
            }
        }
    }

    public static ToolTexts ToolOf(SpanView span)
    {
        var tool = new ToolTexts();
        foreach (var dialect in All)
        {
            tool = tool.Or(dialect.ToolOf(span));
        }

        if (tool is { Arguments: not null, Result: not null })
        {
            return tool;
        }

        // Some tell the call of a tool as a message of its own.
        var messages = MessagesOf(span);
        var call = messages.Input.Messages.SelectMany(message => message.ToolCalls ?? []).LastOrDefault();
        return tool.Or(
            new ToolTexts(
                call?.Name is { Length: > 0 } name ? name : null,
                call is null ? messages.Input.Messages.FindLast(message => message.Content is { Length: > 0 })?.Content : call.Arguments,
                messages.Output.Messages.FindLast(message => message.Content is { Length: > 0 })?.Content
            )
        );
    }

    public static string? ModelOf(SpanView span) => First(dialect => dialect.ModelOf(span));

    public static string? ProviderOf(SpanView span) => First(dialect => dialect.ProviderOf(span));

    public static (double? Input, double? Output) TokensOf(SpanView span)
    {
        foreach (var dialect in All)
        {
            if (dialect.TokensOf(span) is var tokens && tokens is not (null, null))
            {
                return tokens;
            }
        }

        return (null, null);
    }

    public static double? MillisecondsToFirstToken(SpanView span)
    {
        foreach (var dialect in All)
        {
            if (dialect.MillisecondsToFirstToken(span) is { } milliseconds)
            {
                return milliseconds;
            }
        }

        return null;
    }

    private static string? First(Func<ITraceDialect, string?> read)
    {
        foreach (var dialect in All)
        {
            if (read(dialect) is { Length: > 0 } text)
            {
                return text;
            }
        }

        return null;
    }
}
