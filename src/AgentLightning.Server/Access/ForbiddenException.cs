namespace AgentLightning.Server.Access;

/// <summary>The caller is known, and may not do this. The message names what is missing.</summary>
internal sealed class ForbiddenException(string message) : Exception(message);
