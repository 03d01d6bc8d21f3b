namespace AgentLightning.Models.Environments.Tools;

/// <summary>How a family of models writes that it calls a tool.</summary>
public enum ToolCallFormat
{
    /// <summary>Hermes and Qwen: <c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c>, any number of them among other text.</summary>
    Hermes,

    /// <summary>Llama 3: nothing but <c>{"name": …, "parameters": {…}}</c>, perhaps after <c>&lt;|python_tag|&gt;</c>; several with <c>;</c> between them.</summary>
    Llama,

    /// <summary>Mistral: <c>[TOOL_CALLS]</c> and a list of <c>{"name": …, "arguments": {…}}</c>.</summary>
    Mistral,
}
