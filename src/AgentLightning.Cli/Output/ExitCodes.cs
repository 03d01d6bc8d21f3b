namespace AgentLightning.Cli.Output;

/// <summary>What the process tells whoever started it.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>It was asked for rightly and could not be done.</summary>
    public const int Failure = 1;

    /// <summary>The command line or the input it names is wrong.</summary>
    public const int Usage = 2;
}
