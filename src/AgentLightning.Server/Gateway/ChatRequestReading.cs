using System.ClientModel.Primitives;
using System.Text.Json;
using AgentLightning.Common;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using ChatResponseFormat = Microsoft.Extensions.AI.ChatResponseFormat;

namespace AgentLightning.Server.Gateway;

/// <summary>A call of chat as a model in this process takes it. The messages are read by OpenAI's own library.</summary>
internal static class ChatRequestReading
{
    public static (List<ChatMessage> Messages, ChatOptions Options) Read(ReadOnlyMemory<byte> body)
    {
        using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 256 });
        var request = json.RootElement;
        if (!request.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array)
        {
            throw GatewayException.Invalid(
                "messages is required: a list of messages, such as [{\"role\":\"user\",\"content\":\"…\"}].",
                "messages"
            );
        }

        if (Number(request, "n") is > 1)
        {
            throw GatewayException.Invalid("n must be 1 for a model that runs in this process.", "n");
        }

        return ([.. Messages(messages)], Options(request));
    }

    private static IEnumerable<ChatMessage> Messages(JsonElement messages)
    {
        var read = new List<OpenAI.Chat.ChatMessage>();
        foreach (var message in messages.EnumerateArray())
        {
            try
            {
                read.Add(ModelReaderWriter.Read<OpenAI.Chat.ChatMessage>(BinaryData.FromString(message.GetRawText()))!);
            }
            catch (Exception e) when (e is JsonException or FormatException or ArgumentException or InvalidOperationException)
            {
                throw GatewayException.Invalid($"messages[{read.Count}] is no message: role and content are needed.", "messages");
            }
        }

        return read.AsChatMessages();
    }

    private static ChatOptions Options(JsonElement request) =>
        new()
        {
            Temperature = (float?)Number(request, "temperature"),
            TopP = (float?)Number(request, "top_p"),
            TopK = (int?)Number(request, "top_k"),
            Seed = (long?)Number(request, "seed"),
            MaxOutputTokens = (int?)(Number(request, "max_completion_tokens") ?? Number(request, "max_tokens")),
            FrequencyPenalty = (float?)Number(request, "frequency_penalty"),
            PresencePenalty = (float?)Number(request, "presence_penalty"),
            StopSequences = Stops(request),
            Tools = Tools(request),
            ToolMode = Mode(request),
            ResponseFormat = Format(request),
        };

    private static double? Number(JsonElement request, string name)
    {
        if (!request.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && Math.Abs(value.GetDouble()) < int.MaxValue
            ? value.GetDouble()
            : throw GatewayException.Invalid($"{name} must be a number, but it is {Excerpt(value)}.", name);
    }

    private static List<string>? Stops(JsonElement request) =>
        !request.TryGetProperty("stop", out var stop) ? null
        : stop.ValueKind == JsonValueKind.String ? [stop.GetString()!]
        : stop.ValueKind == JsonValueKind.Array
            ? [.. stop.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!)]
        : null;

    private static List<AITool>? Tools(JsonElement request)
    {
        if (!request.TryGetProperty("tools", out var tools) || tools.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        return
        [
            .. tools
                .EnumerateArray()
                .Select(
                    AITool (tool, i) =>
                        tool.ValueKind == JsonValueKind.Object
                        && tool.TryGetProperty("function", out var function)
                        && EpisodeTexts.Member(function, "name") is { Length: > 0 } name
                            ? AIFunctionFactory.CreateDeclaration(
                                name,
                                EpisodeTexts.Member(function, "description"),
                                function.TryGetProperty("parameters", out var parameters)
                                    ? parameters.Clone()
                                    : JsonSerializer.SerializeToElement(new { type = "object" })
                            )
                            : throw GatewayException.Invalid($"tools[{i}] must be a function with a name.", "tools")
                ),
        ];
    }

    private static ChatToolMode? Mode(JsonElement request)
    {
        if (!request.TryGetProperty("tool_choice", out var choice) || choice.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (choice.ValueKind == JsonValueKind.Object && choice.TryGetProperty("function", out var function))
        {
            return ChatToolMode.RequireSpecific(EpisodeTexts.Member(function, "name") ?? "");
        }

        return choice.ToString() switch
        {
            "auto" => ChatToolMode.Auto,
            "none" => ChatToolMode.None,
            "required" => ChatToolMode.RequireAny,
            _ => throw GatewayException.Invalid(
                $"tool_choice must be auto, none, required or a function, but it is {Excerpt(choice)}.",
                "tool_choice"
            ),
        };
    }

    private static ChatResponseFormat? Format(JsonElement request)
    {
        if (!request.TryGetProperty("response_format", out var format) || format.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        return EpisodeTexts.Member(format, "type") switch
        {
            "text" or null => null,
            "json_object" => ChatResponseFormat.Json,
            "json_schema" when format.TryGetProperty("json_schema", out var named) && named.TryGetProperty("schema", out var schema) =>
                ChatResponseFormat.ForJsonSchema(
                    schema.Clone(),
                    EpisodeTexts.Member(named, "name"),
                    EpisodeTexts.Member(named, "description")
                ),
            _ => throw GatewayException.Invalid(
                $"response_format must be text, json_object or json_schema with a schema, but it is {Excerpt(format)}.",
                "response_format"
            ),
        };
    }

    private static string Excerpt(JsonElement value) =>
        value.GetRawText() is { Length: > 60 } text ? OneLine(text[..60] + "…") : OneLine(value.GetRawText());

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
