namespace AgentLightning.Models.Environments.Commands;

/// <summary>How a command ended.</summary>
/// <param name="ExitCode">Null when it went beyond a limit of time or output and was ended.</param>
internal sealed record CommandOutcome(int? ExitCode, string Output, string Error);
