using System.Text.Json;

namespace AgentLightning.Models.Environments.Tools;

/// <summary>What a model asks for.</summary>
/// <param name="Name">Of a tool; empty where none can be read.</param>
/// <param name="Arguments">An object; undefined where none can be read.</param>
/// <param name="Error">Why it cannot be read, in words for the model; null when it can.</param>
public sealed record ToolCall(string Name, JsonElement Arguments, string? Error = null);

/// <summary>What came of the calls of a turn or, added up, of an attempt.</summary>
/// <param name="Calls">All of them.</param>
/// <param name="Failures">Those that could not be read, named no tool, had arguments that do not fit, or failed.</param>
public sealed record ToolUse(int Calls, int Failures);
