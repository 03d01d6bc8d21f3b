using System.Text.RegularExpressions;
using AgentLightning.Common;
using AgentLightning.Models.Environments.Tools;

namespace AgentLightning.Engine.Chat;

/// <summary>How a model writes that it calls a function, as its chat template says.</summary>
/// <param name="Marker">What a call begins with. Where it is one character, only an answer that begins with it is a call.</param>
/// <param name="End">What ends a call, or null where it ends with its JSON.</param>
/// <param name="Arguments">The name under which the arguments are.</param>
/// <param name="Lead">What stands in front of a call that is asked for, so that the model goes on with its JSON.</param>
internal sealed partial record ToolForm(string Marker, string? End, string Arguments, string Lead)
{
    /// <summary>Qwen and Hermes: <c>&lt;tool_call&gt;{"name", "arguments"}&lt;/tool_call&gt;</c>.</summary>
    public static ToolForm Tagged { get; } = new("<tool_call>", "</tool_call>", "arguments", "<tool_call>\n");

    /// <summary>Mistral: a list of calls behind a token that is not text.</summary>
    public static ToolForm List { get; } = new("[", null, "arguments", "[TOOL_CALLS] ");

    /// <summary>Llama 3: the answer is the call.</summary>
    public static ToolForm Bare { get; } = new("{", null, "parameters", "");

    /// <summary>
    /// Of a model whose template knows no tools: they are described in words, and a call is a line <c>TOOL_CALL: name(arguments)</c>.
    /// </summary>
    public static ToolForm Line { get; } = new("TOOL_CALL:", null, "arguments", "");

    /// <param name="template">Source of the chat template; null where there is none.</param>
    public static ToolForm Of(string? template) =>
        template is null || !Tools().IsMatch(template)
            ? Line
            : ToolCallFormats.Find(template) switch
            {
                ToolCallFormat.Hermes => Tagged,
                ToolCallFormat.Mistral => List,
                ToolCallFormat.Llama => Bare,
                _ => throw LightningException.Invalid(
                    "The chat template takes tools, but its calls are none of those that are known (<tool_call>, [TOOL_CALLS], or JSON "
                        + "with \"name\" and \"parameters\"). Give another template, or leave the tools out."
                ),
            };

    [GeneratedRegex(@"\btools\b")]
    private static partial Regex Tools();
}
