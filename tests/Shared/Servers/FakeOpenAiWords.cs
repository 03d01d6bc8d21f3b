using System.Text.Json;

namespace AgentLightning.Testing;

/// <summary>An answer in the words of each route: chat completions, completions, responses.</summary>
internal sealed class FakeOpenAiWords(FakeOpenAiRequest request, FakeOpenAiAnswer answer, int number)
{
    private const long Created = 1_700_000_000;
    private readonly string _id = $"fake-{number}";

    private bool IsChat => request.Path.EndsWith("/chat/completions", StringComparison.Ordinal);

    private bool IsResponses => request.Path.EndsWith("/responses", StringComparison.Ordinal);

    private string Text => string.Concat(answer.Pieces);

    private string Reason => answer.FinishReason ?? (answer.ToolCalls.Count > 0 ? "tool_calls" : "stop");

    private object? Usage =>
        !answer.WithUsage ? null
        : IsResponses
            ? new
            {
                input_tokens = answer.InputTokens,
                output_tokens = answer.OutputTokens,
                total_tokens = answer.InputTokens + answer.OutputTokens,
            }
        : new
        {
            prompt_tokens = answer.InputTokens,
            completion_tokens = answer.OutputTokens,
            total_tokens = answer.InputTokens + answer.OutputTokens,
        };

    public object Whole() =>
        IsResponses ? Response("completed")
        : IsChat
            ? new
            {
                id = _id,
                @object = "chat.completion",
                created = Created,
                model = request.Model,
                usage = Usage,
                choices = new[]
                {
                    new
                    {
                        index = 0,
                        finish_reason = Reason,
                        message = new
                        {
                            role = "assistant",
                            content = answer.ToolCalls.Count > 0 ? null : Text,
                            refusal = (string?)null,
                            tool_calls = Calls(),
                        },
                    },
                },
            }
        : new
        {
            id = _id,
            @object = "text_completion",
            created = Created,
            model = request.Model,
            usage = Usage,
            choices = new[]
            {
                new
                {
                    index = 0,
                    text = Text,
                    finish_reason = Reason,
                    logprobs = (object?)null,
                },
            },
        };

    /// <summary>Server-sent events, the last of them <c>[DONE]</c> where the route has it.</summary>
    public IEnumerable<string> Events()
    {
        if (IsResponses)
        {
            yield return Named("response.created", new { type = "response.created", response = Response("in_progress") });
            foreach (var piece in answer.Pieces)
            {
                yield return Named(
                    "response.output_text.delta",
                    new
                    {
                        type = "response.output_text.delta",
                        item_id = "message",
                        output_index = 0,
                        content_index = 0,
                        delta = piece,
                    }
                );
            }

            yield return Named("response.completed", new { type = "response.completed", response = Response("completed") });
            yield break;
        }

        foreach (var choice in IsChat ? ChatChoices() : PlainChoices())
        {
            yield return Data(Chunk([choice], null));
        }

        if (
            answer.WithUsage
            && request.Body.TryGetProperty("stream_options", out var options)
            && options.GetProperty("include_usage").GetBoolean()
        )
        {
            yield return Data(Chunk([], Usage));
        }

        yield return "data: [DONE]\n\n";
    }

    private IEnumerable<object> ChatChoices()
    {
        yield return Choice(new { role = "assistant", content = "" }, null);
        foreach (var piece in answer.ToolCalls.Count > 0 ? [] : answer.Pieces)
        {
            yield return Choice(new { content = piece }, null);
        }

        for (var i = 0; i < answer.ToolCalls.Count; i++)
        {
            var (id, name, arguments) = answer.ToolCalls[i];
            yield return Choice(
                new
                {
                    tool_calls = new[]
                    {
                        new
                        {
                            index = i,
                            id,
                            type = "function",
                            function = new { name, arguments = arguments[..(arguments.Length / 2)] },
                        },
                    },
                },
                null
            );
            yield return Choice(
                new { tool_calls = new[] { new { index = i, function = new { arguments = arguments[(arguments.Length / 2)..] } } } },
                null
            );
        }

        yield return Choice(new { }, Reason);

        static object Choice(object delta, string? reason) =>
            new
            {
                index = 0,
                delta,
                finish_reason = reason,
            };
    }

    private IEnumerable<object> PlainChoices()
    {
        foreach (var piece in answer.Pieces)
        {
            yield return new
            {
                index = 0,
                text = piece,
                finish_reason = (string?)null,
            };
        }

        yield return new
        {
            index = 0,
            text = "",
            finish_reason = Reason,
        };
    }

    private object Chunk(object[] choices, object? usage) =>
        new
        {
            id = _id,
            @object = IsChat ? "chat.completion.chunk" : "text_completion",
            created = Created,
            model = request.Model,
            choices,
            usage,
        };

    private object? Calls() =>
        answer.ToolCalls.Count == 0
            ? null
            : answer.ToolCalls.Select(call => new
            {
                id = call.Id,
                type = "function",
                function = new { name = call.Name, arguments = call.Arguments },
            });

    private object Response(string status) =>
        new
        {
            id = _id,
            @object = "response",
            created_at = Created,
            status,
            model = request.Model,
            usage = status == "completed" ? Usage : null,
            output = status != "completed"
                ? []
                : new object[]
                {
                    new
                    {
                        id = "message",
                        type = "message",
                        status,
                        role = "assistant",
                        content = new[]
                        {
                            new
                            {
                                type = "output_text",
                                text = Text,
                                annotations = Array.Empty<object>(),
                            },
                        },
                    },
                },
        };

    private static string Data(object value) => $"data: {JsonSerializer.Serialize(value)}\n\n";

    private static string Named(string name, object value) => $"event: {name}\n{Data(value)}";
}
