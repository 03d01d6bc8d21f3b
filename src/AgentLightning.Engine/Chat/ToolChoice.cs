using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Common;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Chat;

/// <summary>The functions that a request offers, and whether one of them must be called.</summary>
/// <param name="Required">Those of which one must be called; empty when the model may decide.</param>
internal sealed record ToolChoice(IReadOnlyList<AIFunctionDeclaration> Functions, IReadOnlyList<AIFunctionDeclaration> Required)
{
    /// <summary>Null when no function may be called.</summary>
    public static ToolChoice? Of(ChatOptions? options)
    {
        if (options is not { Tools.Count: > 0 } || options.ToolMode is NoneChatToolMode)
        {
            return null;
        }

        AIFunctionDeclaration[] functions =
        [
            .. options.Tools.Select(tool =>
                tool as AIFunctionDeclaration
                ?? throw LightningException.Invalid(
                    $"The tool '{tool.Name}' is a {tool.GetType().Name}; a local model can call functions only."
                )
            ),
        ];
        if (options.ToolMode is not RequiredChatToolMode required)
        {
            return new ToolChoice(functions, []);
        }

        AIFunctionDeclaration[] chosen =
        [
            .. functions.Where(function => required.RequiredFunctionName is not { } name || function.Name == name),
        ];
        var offered = string.Join(", ", functions.Select(function => $"'{function.Name}'"));
        return chosen.Length > 0
            ? new ToolChoice(functions, chosen)
            : throw LightningException.Invalid(
                $"The function '{required.RequiredFunctionName}' must be called, but only {offered} are offered."
            );
    }

    /// <summary>As chat templates take them.</summary>
    public object?[] Schemas =>
        [
            .. Functions.Select(function =>
                (object?)
                    new JsonObject
                    {
                        ["type"] = "function",
                        ["function"] = new JsonObject
                        {
                            ["name"] = function.Name,
                            ["description"] = function.Description,
                            ["parameters"] = Parameters(function),
                        },
                    }
            ),
        ];

    /// <summary>In words, for a model that knows no tools.</summary>
    public string Description =>
        string.Join(
            '\n',
            Functions
                .Select(function => $"{function.Name}: {function.Description} Arguments: {Parameters(function).ToJsonString()}")
                .Prepend(
                    "You can call functions. To call one, write a line TOOL_CALL: name(arguments), with the arguments as a JSON "
                        + "object."
                )
        );

    /// <summary>The schema of one call that must be made; a list of one where the form is a list.</summary>
    public string CallSchema(ToolForm form)
    {
        JsonNode[] calls =
        [
            .. Required.Select(
                (function, i) =>
                    new JsonObject
                    {
                        ["type"] = "object",
                        ["properties"] = new JsonObject
                        {
                            ["name"] = new JsonObject { ["const"] = function.Name },
                            [form.Arguments] = Moved(
                                Parameters(function),
                                $"#{(form == ToolForm.List ? "/items" : "")}/anyOf/{i}/properties/{form.Arguments}"
                            ),
                        },
                        ["required"] = new JsonArray("name", form.Arguments),
                    }
            ),
        ];
        var call = new JsonObject { ["anyOf"] = new JsonArray(calls) };
        return (
            form == ToolForm.List
                ? new JsonObject
                {
                    ["type"] = "array",
                    ["items"] = call,
                    ["minItems"] = 1,
                    ["maxItems"] = 1,
                }
                : call
        ).ToJsonString();
    }

    /// <summary>A schema that lies within another now: what it refers to has moved with it.</summary>
    private static JsonNode Moved(JsonNode schema, string to)
    {
        foreach (var (key, inner) in schema is JsonObject map ? map.ToList() : [])
        {
            if (key == "$ref" && inner is JsonValue value && value.TryGetValue<string>(out var place) && place.StartsWith('#'))
            {
                schema["$ref"] = to + place[1..];
            }
            else if (inner is not null)
            {
                Moved(inner, to);
            }
        }

        foreach (var item in schema is JsonArray list ? list.OfType<JsonNode>() : [])
        {
            Moved(item, to);
        }

        return schema;
    }

    private static JsonObject Parameters(AIFunctionDeclaration function) =>
        function.JsonSchema.ValueKind == JsonValueKind.Object && function.JsonSchema.TryGetProperty("type", out _)
            ? JsonObject.Create(function.JsonSchema.Clone())!
            : new JsonObject { ["type"] = "object", ["properties"] = new JsonObject() };
}
