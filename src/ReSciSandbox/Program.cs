namespace ReSciSandbox;

internal static class Program
{
    private static void Main()
    {
    }
}
